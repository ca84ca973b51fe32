/** How the bytes of a file go out: whole and in order however slowly they are read, and never from a buffer in use. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import { connect, createServer as createHttp2Server, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { OpenObject } from '../../fencing/ports.js'
import { sendBytes } from '../../gateway/http/sending.js'
import { eventually } from '../end-to-end/harness/wait.js'

const content = randomBytes(3 * 1024 * 1024 + 77)
const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

interface Watched {
  readonly listener: RequestListener
  readonly outcomes: Promise<void>[]
  opened: number
  closed: number
}

/** Answers every request with the range; reads give no more than so many bytes, and fail from a position on. */
const answering = (start: number, failsAt = Infinity): Watched => {
  const range = { start, end: content.length - 1 }
  const open = (): OpenObject => {
    watched.opened += 1
    return {
      size: content.length,
      read: () => {
        throw new Error('not streamed')
      },
      readInto: async (buffer, position) => {
        if (position >= failsAt) throw new Error('the disk is gone')
        return content.copy(buffer, 0, position, Math.min(position + 300_000, content.length))
      },
      close: async () => {
        watched.closed += 1
      },
    }
  }
  const watched: Watched = {
    opened: 0,
    closed: 0,
    outcomes: [],
    listener: (_request, answer) => {
      answer.writeHead(200, { 'content-length': range.end - range.start + 1 })
      watched.outcomes.push(
        sendBytes(answer, open(), range).catch((error: unknown) => {
          answer.destroy()
          throw error
        }),
      )
    },
  }
  return watched
}

const listening = async (
  t: ExecutionContext,
  server: Server | Http2Server,
): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => void server.close())
  return (server.address() as AddressInfo).port
}

const answerOf = async (port: number): Promise<IncomingMessage> => {
  const request = get({ host: '127.0.0.1', port, agent: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

/** Reads in bites, and lets others have a turn between them. */
const slowly = async (bytes: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of bytes) {
    pieces.push(piece)
    await turn()
  }
  return Buffer.concat(pieces)
}

test('many who read slowly at once each get every byte, in large pieces or small ones', async (t) => {
  const watched = answering(1000)
  const port = await listening(t, createServer(watched.listener))
  const readers = Array.from({ length: 12 }, async () => slowly(await answerOf(port)))
  for (const bytes of await Promise.all(readers))
    t.is(digestOf(bytes), digestOf(content.subarray(1000)))
  await Promise.all(watched.outcomes)
  t.is(watched.closed, 12)
})

test('over HTTP/2 too', async (t) => {
  const watched = answering(0)
  const server = createHttp2Server({}, watched.listener as never)
  const session = connect(`http://127.0.0.1:${await listening(t, server)}`)
  t.teardown(() => session.destroy())
  const readers = Array.from({ length: 3 }, () => slowly(session.request({ ':path': '/' })))
  for (const bytes of await Promise.all(readers)) t.is(digestOf(bytes), digestOf(content))
  await Promise.all(watched.outcomes)
  t.is(watched.closed, 3)
})

test('what cannot be read on is broken off, and closed', async (t) => {
  const watched = answering(0, 2_000_000)
  const port = await listening(t, createServer(watched.listener))
  const answer = await answerOf(port)
  await t.throwsAsync(slowly(answer), { message: 'aborted' })
  await t.throwsAsync(async () => watched.outcomes[0], { message: 'the disk is gone' })
  t.is(watched.closed, 1)
})

test('a client that goes away lets go of what was opened', async (t) => {
  const watched = answering(0)
  const port = await listening(t, createServer(watched.listener))
  const answer = await answerOf(port)
  await once(answer, 'readable')
  answer.destroy()
  await eventually('the file to be closed', () => watched.closed === 1)
  await watched.outcomes[0]
  t.is(watched.opened, 1)
})
