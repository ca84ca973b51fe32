/**
 * The least that a server of Node can be, to be compared with: it receives, hashes, writes, lists, reads and removes what
 * restic asks for, and makes an upload durable by two syncs, as rest-server does. It asks nobody who they are, keeps no
 * record and protects nothing. What it takes longer than rest-server is what Node's HTTP, threads and collector take.
 *
 *     node dist/bench/bare-server.js FOLDER PORT
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import rangeParser from 'range-parser'

const [root = '.', port = '8000'] = process.argv.slice(2)
const parts = ['data', 'index', 'keys', 'locks', 'snapshots']
const sheetBytes = 512 * 1024
let uploads = 0

/** A pack lies in the folder of its first two digits. */
function placeOf(path: string): string {
  return join(root, path.replace(/(\/data\/)(..)(.+)$/, '$1$2/$2$3'))
}

async function create(repository: string): Promise<void> {
  for (const part of parts) await mkdir(join(repository, part), { recursive: true })
  for (let at = 0; at < 256; at += 1) {
    const digits = at.toString(16).padStart(2, '0')
    await mkdir(join(repository, 'data', digits), { recursive: true })
  }
}

async function list(folder: string): Promise<{ name: string; size: number }[]> {
  const found: { name: string; size: number }[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await list(place)))
    else found.push({ name: entry.name, size: (await stat(place)).size })
  }
  return found
}

async function receive(request: IncomingMessage, file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  let sheet: Buffer[] = []
  let filled = 0
  const turn = async (): Promise<void> => {
    const full = sheet
    sheet = []
    filled = 0
    await file.writev(full)
  }
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sheet.push(chunk)
    filled += chunk.length
    if (filled >= sheetBytes) await turn()
  }
  if (filled > 0) await turn()
  return hash.digest('hex')
}

async function upload(request: IncomingMessage, place: string): Promise<number> {
  uploads += 1
  const temporary = `${place}-${uploads}`
  const file = await open(temporary, 'wx')
  const digest = await receive(request, file)
  await file.sync()
  await file.close()
  if (!place.endsWith(`/${digest}`) && !place.endsWith('/config')) return 400
  await rename(temporary, place)
  const folder = await open(dirname(place), 'r')
  await folder.sync()
  await folder.close()
  return 200
}

async function download(
  request: IncomingMessage,
  response: ServerResponse,
  place: string,
): Promise<void> {
  const { size } = await stat(place)
  const ranges = rangeParser(size, request.headers.range ?? 'bytes=0-')
  const range = typeof ranges === 'number' ? undefined : ranges[0]
  const { start, end } = range ?? { start: 0, end: size - 1 }
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    'content-length': end - start + 1,
  })
  await pipeline(createReadStream(place, { start, end }), response)
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const place = placeOf(pathname)
  const { method = 'GET' } = request
  switch (method) {
    case 'POST':
      if (searchParams.has('create')) await create(place)
      else response.statusCode = await upload(request, place)
      break
    case 'DELETE':
      await unlink(place)
      break
    case 'HEAD':
      response.setHeader('content-length', (await stat(place)).size)
      break
    default:
      if (!pathname.endsWith('/')) return download(request, response, place)
      response.setHeader('content-type', 'application/vnd.x.restic.rest.v2')
      response.end(JSON.stringify(await list(place)))
      return
  }
  response.end()
}

createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (response.headersSent) response.destroy()
    else response.writeHead(isMissing ? 404 : 500).end()
  })
}).listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
