/** Knows how archives of journals lie in a folder: compressed lines, one file each. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { BackendError, type JournalArchives } from '../../fencing/ports.js'

export function localArchives(folder: string): JournalArchives {
  return {
    write: (name, lines) => write(folder, name, lines),
    read: (name) => read(join(folder, name)),
  }
}

async function write(
  folder: string,
  name: string,
  lines: AsyncIterable<string>,
): Promise<string> {
  try {
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) {
      await syncFolder(dirname(folder))
    }
    const unfinished = join(folder, `${name}.new`)
    const hash = createHash('sha256')
    const hashing = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    const file = createWriteStream(unfinished, { mode: 0o600 })
    await pipeline(Readable.from(ended(lines)), createGzip(), hashing, file)
    const handle = await open(unfinished, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, join(folder, name))
    await syncFolder(folder)
    return hash.digest('hex')
  } catch (error) {
    throw faultOf(error, `the archive "${join(folder, name)}" cannot be written`)
  }
}

async function* ended(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

async function* read(file: string): AsyncGenerator<string> {
  const source = createReadStream(file)
  const text = createGunzip()
  text.setEncoding('utf8')
  source.once('error', (error) => text.destroy(error))
  source.pipe(text)
  let rest = ''
  try {
    for await (const chunk of text) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    throw faultOf(error, `the archive "${file}" cannot be read`)
  } finally {
    source.destroy()
  }
  if (rest !== '') yield rest
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function faultOf(error: unknown, what: string): BackendError {
  if (error instanceof BackendError) return error
  const native = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words = error instanceof Error ? error.message : String(error)
  const isFull = native === 'ENOSPC' || native === 'EDQUOT'
  const isDamaged = native.startsWith('Z_')
  const code = isFull ? 'no-space' : isDamaged ? 'corrupt' : 'unavailable'
  if (native === 'ENOENT') {
    return new BackendError('not-found', `${what}: it is missing`, { cause: error })
  }
  return new BackendError(code, `${what}: ${words}`, { cause: error })
}
