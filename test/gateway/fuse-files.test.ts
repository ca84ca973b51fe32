/** How a staged file goes out and how an object is read, without a kernel: over the HTTP of a server that is told what to do. */
import test, { type ExecutionContext } from 'ava'
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import { Deadlines } from '../../gateway/fuse/deadlines.js'
import { createCalls } from '../../gateway/fuse/calls.js'
import { HungPaths } from '../../gateway/fuse/hung-paths.js'
import { ObjectReader } from '../../gateway/fuse/object-reader.js'
import { Opening } from '../../gateway/fuse/opening.js'
import type { Operations } from '../../gateway/fuse/operations.js'
import { PlainFile } from '../../gateway/fuse/plain-files.js'
import { StagedFile } from '../../gateway/fuse/staged-file.js'

type Serve = (request: IncomingMessage, answer: ServerResponse) => Promise<void> | void

const repository = 'repo' as RepositoryId
const pack = `data/${'ab'.repeat(32)}` as ObjectName
const index = `index/${'cd'.repeat(32)}` as ObjectName
const lock = `locks/${'ef'.repeat(32)}` as ObjectName

async function openingOn(t: ExecutionContext, serve: Serve): Promise<Opening> {
  const server = createServer((request, answer) => void serve(request, answer))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const origin = `http://127.0.0.1:${port ?? 0}`
  const opening = new Opening({
    address: { origin },
    repository,
    tag: 'boot.1.2',
    onRefused: (sentence) => t.log(sentence),
  })
  t.teardown(() => {
    opening.close()
    server.closeAllConnections()
    server.close()
  })
  return opening
}

const pieces = (bytes: Buffer, size = 128 * 1024): { piece: Buffer; offset: number }[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => ({
    piece: bytes.subarray(at * size, (at + 1) * size),
    offset: at * size,
  }))

/** What is written lies in memory that is given to another call at once. */
class KernelMemory {
  readonly #memory = Buffer.alloc(128 * 1024)

  lend<T>(bytes: Buffer, use: (lent: Buffer) => T): T {
    const lent = this.#memory.subarray(0, bytes.length)
    lent.set(bytes)
    const answer = use(lent)
    lent.fill(0)
    return answer
  }
}

test('a large pack goes out while it is written, and only its rename ends it', async (t) => {
  const bytes = randomBytes(9 * 1024 * 1024)
  let received = 0
  let isEnded = false
  const hash = createHash('sha256')
  const opening = await openingOn(t, async (request, answer) => {
    for await (const chunk of request) {
      received += (chunk as Buffer).length
      hash.update(chunk as Buffer)
    }
    isEnded = true
    answer.end()
  })
  const file = new StagedFile(pack, opening)
  const memory = new KernelMemory()
  for (const { piece, offset } of pieces(bytes, 100_000)) {
    await memory.lend(piece, (lent) => file.write(lent, offset))
  }
  await file.sync()
  t.true(received > bytes.length / 2, `${received} bytes had been received`)
  t.false(isEnded)
  await file.commit()
  t.is(received, bytes.length)
  t.is(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
})

test('a file that is dropped breaks its upload off', async (t) => {
  const aborted = new Promise<void>((resolve) => {
    openingOn(t, (request) => {
      request.resume().once('error', () => resolve())
    }).then(async (opening) => {
      const file = new StagedFile(pack, opening)
      for (const { piece, offset } of pieces(randomBytes(1024 * 1024)))
        await file.write(piece, offset)
      await file.sync()
      file.discard()
      t.throws(() => file.write(Buffer.alloc(1), 1024 * 1024), { code: 'EIO' })
    }, t.fail)
  })
  await t.notThrowsAsync(aborted)
})

test('a refusal is the error of the rename, and a gateway that goes away is one too', async (t) => {
  const opening = await openingOn(t, async (request, answer) => {
    if (request.url?.endsWith(pack) === true) {
      request.socket.destroy()
      return
    }
    await buffer(request)
    answer.writeHead(403, { 'lockkeeper-reason': 'stale' }).end('Write fenced: it slept.\n')
  })
  const small = new StagedFile(index, opening)
  await small.write(Buffer.from('x'), 0)
  await t.throwsAsync(small.commit(), { code: 'EACCES', message: 'Write fenced: it slept.' })
  const large = new StagedFile(pack, opening)
  const writing = async () => {
    for (const { piece, offset } of pieces(Buffer.alloc(32 * 1024 * 1024)))
      await large.write(piece, offset)
    await large.commit()
  }
  await t.throwsAsync(writing())
})

test('files are written from the beginning to the end, or not at all', async (t) => {
  const opening = await openingOn(t, () => undefined)
  const file = new StagedFile(index, opening)
  await file.write(Buffer.from('abc'), 0)
  t.throws(() => file.write(Buffer.from('x'), 1), { code: 'EINVAL' })
  t.is(file.read(1, 10).toString(), 'bc')
  file.truncate(0)
  t.is(file.size, 0)
})

test('an index is confirmed on the line that it came on, and locks share the line of the opening', async (t) => {
  const seen: string[] = []
  const opening = await openingOn(t, async (request, answer) => {
    seen.push(`${request.socket.remotePort ?? 0} ${request.method ?? ''} ${request.url ?? ''}`)
    await buffer(request)
    answer.setHeader('content-length', '0')
    answer.end()
  })
  t.is(await opening.sizeOfConfig(), 0)
  await opening.upload(lock, Buffer.from('l'))
  await opening.list('index').catch(() => undefined)
  await opening.upload(index, Buffer.from('i'))
  t.false(opening.hasLetGo)
  await opening.remove(lock)
  t.true(opening.hasLetGo)
  const ports = seen.map((line) => line.split(' ')[0])
  const [first] = ports
  const onFirst = seen.filter((line) => line.startsWith(`${first ?? ''} `))
  t.deepEqual(
    onFirst.map((line) =>
      line.replace(/^\d+ (\w+) \/-\/w\/boot\.1\.2\/repo\/(\w+).*$/, '$1 $2'),
    ),
    ['HEAD config', 'POST locks', 'POST index', 'HEAD index', 'DELETE locks'],
  )
  t.is(seen.length, 6, 'the list went elsewhere')
})

test('an object reads the same in any order and pieces, and a sequence asks for ever larger pieces', async (t) => {
  const bytes = randomBytes(5 * 1024 * 1024 + 17)
  const asked: number[] = []
  const opening = await openingOn(t, (request, answer) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    const start = Number(from)
    if (start >= bytes.length) {
      answer.writeHead(416).end()
      return
    }
    const piece = bytes.subarray(start, Number(to) + 1)
    asked.push(piece.length)
    answer.writeHead(206).end(piece)
  })
  const sequential = new ObjectReader(pack, opening)
  const found: Uint8Array[] = []
  for (let at = 0; ;) {
    const piece = await sequential.read(at, 128 * 1024)
    if (piece.length === 0) break
    found.push(piece)
    at += piece.length
  }
  t.true(Buffer.concat(found).equals(bytes))
  t.true(asked.length <= 10, `${asked.length} requests`)
  t.true(Math.max(...asked) >= 1024 * 1024)

  const random = new ObjectReader(pack, opening)
  const places = [4_000_000, 0, 3_999_000, 131_072, 5_242_880, 131_072 * 2, 1]
  const reads = places.map((at) => random.read(at, 100_000))
  for (const [order, at] of places.entries()) {
    const piece = await reads[order]
    t.true(Buffer.from(piece ?? []).equals(bytes.subarray(at, at + 100_000)), `at ${at}`)
  }
  t.is((await random.read(bytes.length + 5, 10)).length, 0)
})

const unasked = (): never => {
  throw new Error('not asked')
}

function callsOf(operations: Partial<Operations>, deadlineMs = 60_000, rememberedMs = 60_000) {
  const faults: string[] = []
  const deadlines = new Deadlines({ look: deadlineMs, bytes: deadlineMs, change: deadlineMs })
  const all = new Proxy(operations, {
    get: (target, name) => (Reflect.get(target, name) as unknown) ?? unasked,
  }) as Operations
  const calls = createCalls({
    operations: all,
    deadlines,
    hungPaths: new HungPaths({ waitedMs: deadlineMs / 2, rememberedMs }),
    caller: () => undefined,
    modifiedMs: () => 0,
    owner: { uid: 1, gid: 2 },
    onFault: (_error, call) => faults.push(call),
  })
  return { calls, faults, deadlines }
}

/** Deadlines alone keep no process. */
const stayAwake = (t: ExecutionContext): void => {
  const timer = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(timer))
}

test('an exception in a handler is answered, and does not leave the caller hanging', async (t) => {
  const { calls, faults } = callsOf({
    attributes: () => {
      throw new TypeError('a bug')
    },
    remove: async () => {
      throw new TypeError('another')
    },
  })
  const errno = await new Promise((resolve) => calls.getattr('/x', resolve))
  t.is(errno, -5)
  t.is(await new Promise((resolve) => calls.unlink('/x', resolve)), -5)
  t.is(await new Promise((resolve) => calls.rmdir('/x', resolve)), -5)
  t.deepEqual(faults, ['getattr /x', 'unlink /x', 'rmdir /x'])
})

test('who waits too long is let go, once, and late bytes go nowhere', async (t) => {
  let answerLate: (bytes: Uint8Array) => void = () => undefined
  const { calls } = callsOf(
    {
      read: () =>
        new Promise((resolve) => {
          answerLate = resolve
        }),
    },
    20,
  )
  const into = Buffer.alloc(4)
  const answers: unknown[] = []
  await new Promise<void>((resolve) => {
    calls.read('/x', 1, into, 4, 0, (result: unknown) => {
      answers.push(result)
      resolve()
    })
  })
  answerLate(Buffer.from('late'))
  await new Promise(setImmediate)
  t.deepEqual(answers, [-5])
  t.deepEqual(into, Buffer.alloc(4), 'the kernel may have given this memory to another call')
})

test('whoever has waited in vain does not wait again for what the kernel asks twice', async (t) => {
  stayAwake(t)
  let asked = 0
  const hang = () => {
    asked += 1
    return new Promise<never>(() => undefined)
  }
  const { calls, faults } = callsOf({ attributes: hang, names: hang, read: hang }, 500)
  const stat = (path: string) => new Promise((resolve) => calls.getattr(path, resolve))
  t.is(await stat('/x'), -5)
  t.is(asked, 1)
  t.is(await stat('/x'), -5)
  t.is(await new Promise((resolve) => calls.readdir('/x', resolve)), -5)
  const into = Buffer.alloc(4)
  t.is(await new Promise((resolve) => calls.read('/x', 1, into, 4, 0, resolve)), -5)
  t.is(asked, 1, 'they are answered at once')
  t.is(await stat('/y'), -5)
  t.is(asked, 2, 'another path is asked for')
  t.deepEqual(faults, ['getattr /x', 'getattr /y'])
})

test('a path that hung is asked for again a little later, and one that failed soon at once', async (t) => {
  stayAwake(t)
  let asked = 0
  const attributes = () => {
    asked += 1
    return asked === 1
      ? new Promise<never>(() => undefined)
      : Promise.reject(new Error('broken'))
  }
  const { calls } = callsOf({ attributes }, 100, 1)
  const stat = () => new Promise((resolve) => calls.getattr('/x', resolve))
  t.is(await stat(), -5)
  await delay(5)
  t.is(await stat(), -5)
  t.is(await stat(), -5)
  t.is(asked, 3)
})

test('what is written is copied before anything else happens', async (t) => {
  const memory = new KernelMemory()
  const received: string[] = []
  const opening = await openingOn(t, async (request, answer) => {
    if (request.method === 'POST') received.push((await buffer(request)).toString())
    answer.end()
  })
  const staged = new StagedFile(index, opening)
  const place = join(tmpdir(), `lockkeeper-test-${process.pid}-plain`)
  t.teardown(() => rm(place, { force: true }))
  const plain = await PlainFile.create(place, 0o600)
  const writes = [staged, plain].map((file) => {
    const { calls } = callsOf({ write: (_handle, bytes, offset) => file.write(bytes, offset) })
    return memory.lend(
      Buffer.from('abcd'),
      (lent) => new Promise((resolve) => calls.write('/x', 1, lent, 3, 0, resolve)),
    )
  })
  t.deepEqual(await Promise.all(writes), [3, 3])
  await staged.commit()
  await plain.close()
  t.deepEqual(received, ['abc'])
  t.is(await readFile(place, 'utf8'), 'abc')
})
