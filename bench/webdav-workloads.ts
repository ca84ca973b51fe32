/** Knows the loads of WebDAV, as restic's rclone and file managers would send them: a large folder and a large file. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http'
import { join } from 'node:path'
import type { Workload } from './measure.js'
import type { Server } from './servers.js'

const MIB = 2 ** 20

/** What rclone's WebDAV client asks of every entry. */
const propfindBody =
  '<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:displayname/><d:getlastmodified/>' +
  '<d:getcontentlength/><d:resourcetype/><d:getcontenttype/></d:prop></d:propfind>'

/** Where a server speaks WebDAV, below its origin. */
export interface DavServer extends Server {
  readonly base: string
}

interface Load {
  readonly chunk: Buffer
  readonly chunks: number
  readonly sha256: string
}

/** A body too large to be held: one chunk again and again, so that making it costs the client nothing. */
function loadOf(mebibytes: number): Load {
  const chunk = randomBytes(MIB)
  const hash = createHash('sha256')
  for (let at = 0; at < mebibytes; at += 1) hash.update(chunk)
  return { chunk, chunks: mebibytes, sha256: hash.digest('hex') }
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

function ask(
  server: DavServer,
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>> = {},
): ClientRequest {
  return httpRequest(`${server.origin}${server.base}${path}`, { method, agent, headers })
}

async function answerTo(
  request: ClientRequest,
  ...accepted: readonly number[]
): Promise<number> {
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  let bytes = 0
  answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
  await once(answer, 'end')
  const { statusCode = 0 } = answer
  if (!accepted.includes(statusCode)) throw new Error(`${request.method}: ${statusCode}`)
  return bytes
}

async function propfind(server: DavServer, path: string): Promise<number> {
  const request = ask(server, 'PROPFIND', path, { depth: 1, 'content-type': 'text/xml' })
  request.end(propfindBody)
  return answerTo(request, 207)
}

async function put(server: DavServer, path: string, { chunk, chunks }: Load): Promise<void> {
  const length = chunk.length * chunks
  const request = ask(server, 'PUT', path, { 'content-length': length })
  const answered = answerTo(request, 200, 201, 204)
  for (let at = 0; at < chunks; at += 1) {
    // A server that has gone takes nothing more, and says so only once.
    if (!request.write(chunk)) await Promise.race([once(request, 'drain'), answered])
  }
  request.end()
  await answered
}

async function get(server: DavServer, path: string, { chunk, chunks }: Load): Promise<void> {
  const bytes = await answerTo(ask(server, 'GET', path).end(), 200)
  if (bytes !== chunk.length * chunks) throw new Error(`GET ${path}: ${bytes} bytes`)
}

async function remove(server: DavServer, path: string): Promise<void> {
  await answerTo(ask(server, 'DELETE', path).end(), 200, 204, 404)
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return (performance.now() - begun) / 1000
}

/** A folder beside the repositories and a repository, each with so many small files, before the server looks at them. */
export async function fillFolders(folder: string, files: number): Promise<void> {
  const plain = join(folder, 'plain')
  const repository = join(folder, 'repo')
  await mkdir(plain, { recursive: true })
  for (const type of ['keys', 'locks', 'index', 'snapshots', 'data/00'])
    await mkdir(join(repository, type), { recursive: true })
  await writeFile(join(repository, 'config'), 'bench')
  for (let at = 0; at < files; at += 1) {
    const name = createHash('sha256').update(String(at)).digest('hex')
    await writeFile(join(plain, `${name}.txt`), 'x')
    await writeFile(join(repository, 'snapshots', name), 'x')
  }
}

/** A run of restic behind rclone says hello by asking for what cannot be there; to others it is a file that is missing. */
async function begin(server: DavServer): Promise<void> {
  const request = ask(server, 'PROPFIND', '/repo/file-1234567890', { depth: 1 })
  await answerTo(request.end(), 404)
  await propfind(server, '/repo/snapshots/')
}

export function davLists(files: number): Workload<DavServer>[] {
  return [
    {
      name: 'list',
      title: `PROPFIND of a folder with ${files} files`,
      run: (server) => timed(() => propfind(server, '/plain/')),
    },
    {
      name: 'snapshots',
      title: `PROPFIND of a repository's ${files} snapshots`,
      run: (server) => timed(() => propfind(server, '/repo/snapshots/')),
    },
  ]
}

/** PUT and GET of one large file, among other files and in a repository. */
export function davTransfers(mebibytes: number): Workload<DavServer>[] {
  const file = '/plain/large.bin'
  const one = loadOf(mebibytes)
  return [
    {
      name: 'put',
      title: `PUT of a file of ${mebibytes} MiB`,
      run: async (server) => {
        await remove(server, file)
        return timed(() => put(server, file, one))
      },
    },
    {
      name: 'get',
      title: `GET of a file of ${mebibytes} MiB`,
      run: async (server, round) => {
        if (round === 0) await put(server, file, one)
        return timed(() => get(server, file, one))
      },
    },
    {
      name: 'put-pack',
      title: `PUT of a pack of ${mebibytes} MiB`,
      run: (server) =>
        withPack(server, mebibytes, (path, load) => timed(() => put(server, path, load))),
    },
    {
      name: 'get-pack',
      title: `GET of a pack of ${mebibytes} MiB`,
      run: (server) =>
        withPack(server, mebibytes, async (path, load) => {
          await put(server, path, load)
          return timed(() => get(server, path, load))
        }),
    },
  ]
}

/** Does it with a new pack, which then goes again, past the server. */
async function withPack(
  server: DavServer,
  mebibytes: number,
  act: (path: string, load: Load) => Promise<number>,
): Promise<number> {
  const load = loadOf(mebibytes)
  const folder = `repo/data/${load.sha256.slice(0, 2)}`
  await begin(server)
  await answerTo(ask(server, 'MKCOL', `/${folder}/`).end(), 201, 405)
  const seconds = await act(`/${folder}/${load.sha256}`, load)
  await rm(join(server.folder, folder, load.sha256))
  return seconds
}
