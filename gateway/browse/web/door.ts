/** Serves the files of snapshots to a plain web browser: which address shows what, and to whom. */
import { AssertionError } from 'node:assert'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { parseRepositoryId } from '../../../fencing/object.js'
import type { Node } from '../../../formats/restic/node.js'
import { exchangeOf, type Exchange } from '../../http/exchange.js'
import { tarOf } from '../archive/tar.js'
import { zipOf } from '../archive/zip.js'
import { ClosedError, type BrowsedRepositories } from '../browsed-repositories.js'
import type { BrowsedRepository, NamedSnapshot } from '../browsed-repository.js'
import { parseBrowseAddress, type BrowseAddress } from './address.js'
import { sendFile, setAttachment } from './file-answer.js'
import { html } from '../../pages/html.js'
import { folderPage, page, repositoriesPage, snapshotsPage } from './pages.js'
import { sendParts } from './sending.js'
import { contentPolicy, pagePolicy } from './style.js'
import { nameText } from './words.js'

export interface WebBrowserOptions {
  readonly repositories: BrowsedRepositories
  readonly logger: Logger
  /** A user may enter only the repositories below the folder of its own name. */
  readonly isPrivate: boolean
}

interface Call extends WebBrowserOptions {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  readonly address: BrowseAddress
}

interface Opened extends Call {
  readonly name: string
  readonly repository: BrowsedRepository
}

interface Shown extends Opened {
  readonly snapshot: NamedSnapshot
}

export type WebBrowser = (request: IncomingMessage, answer: ServerResponse) => void

export function createWebBrowser(options: WebBrowserOptions): WebBrowser {
  return (request, answer) => {
    serve(options, request, answer).catch((error: unknown) => {
      setImmediate(() => {
        throw error
      })
    })
  }
}

async function serve(
  options: WebBrowserOptions,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const exchange = exchangeOf(request)
  await exchange.body.drain()
  answer.setHeader('x-content-type-options', 'nosniff')
  answer.setHeader('referrer-policy', 'no-referrer')
  answer.setHeader('cross-origin-resource-policy', 'same-origin')
  answer.setHeader('cache-control', 'private, no-cache')
  const address = parseBrowseAddress(request.url ?? '')
  const about = { answer, request }
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer.setHeader('allow', 'GET, HEAD')
      sendProblem(about, 405, 'Nothing can be changed here.')
    } else if (address === undefined) sendProblem(about, 400, 'The address cannot be read.')
    else await show({ ...options, exchange, request, answer, address })
  } catch (error) {
    fail({ ...options, exchange, ...about }, error)
  }
  exchange.settle()
}

async function show(call: Call): Promise<void> {
  const { address, answer, exchange, repositories, isPrivate } = call
  const { user } = exchange.client
  const { repository: name } = address
  const mayEnter = (each: string): boolean =>
    !isPrivate || (user !== undefined && (each === user || each.startsWith(`${user}/`)))
  if (name === undefined) {
    if (!address.isFolder) redirect(answer, './browse/')
    else sendPage(call, repositoriesPage(repositories.namesFor(user).filter(mayEnter)))
    return
  }
  const isName = name === '' || parseRepositoryId(name.split('/')) !== undefined
  const repository = isName && mayEnter(name) ? await repositories.open(name, user) : undefined
  if (repository === undefined) {
    sendProblem(call, 404, 'There is no repository of this name that you may browse.')
    return
  }
  exchange.note.repository = name
  await showRepository({ ...call, name, repository })
}

async function showRepository(call: Opened): Promise<void> {
  const { address, answer, name, repository } = call
  const { snapshot: wanted, query, isFolder, path } = address
  if (wanted === undefined) {
    if (!isFolder) redirect(answer, `./${lastPart(call)}/`)
    else {
      const filter = query.get('filter') ?? ''
      sendPage(call, snapshotsPage(name, await repository.snapshots(), filter))
    }
    return
  }
  const isShort = /^[0-9a-f]{8,64}$/.test(wanted)
  const snapshot = isShort ? await repository.snapshot(wanted) : undefined
  if (snapshot === undefined) {
    sendProblem(call, 404, 'There is no such snapshot (any more).')
    return
  }
  const found = await repository.find(snapshot, path)
  if (found === undefined) sendProblem(call, 404, 'There is no such file in this snapshot.')
  else await showEntry({ ...call, snapshot }, found)
}

async function showEntry(call: Shown, found: Node | 'root'): Promise<void> {
  const { address, answer, name, repository, snapshot } = call
  const { path, query, isFolder } = address
  const folder = found === 'root' ? snapshot.tree : found.subtree
  call.exchange.note.object = `snapshots/${snapshot.id}`
  if (folder !== undefined) {
    if (!isFolder) {
      redirect(answer, `./${lastPart(call)}/`)
      return
    }
    const tree = await repository.tree(folder)
    const archive = query.get('archive')
    if (archive === 'zip' || archive === 'tar') await sendArchive(call, tree, archive)
    else sendPage(call, folderPage({ repository: name, snapshot, path, tree, query }))
    noteAccess(call, 'a folder was opened')
    return
  }
  if (found === 'root' || found.type !== 'file') {
    sendProblem(call, 404, 'This is no file that can be downloaded.')
    return
  }
  const content = await repository.content(found)
  const isViewed = query.has('view')
  const bytes = await sendFile({ ...call, node: found, content, isViewed })
  noteAccess(call, 'a file was read', bytes)
}

/** The folder's own entries, one after another, so that the archive has no folder around them. */
async function sendArchive(
  call: Shown,
  nodes: Iterable<Node>,
  kind: 'zip' | 'tar',
): Promise<void> {
  const { address, answer, repository, request, snapshot } = call
  const last = address.path.at(-1)
  const base = last === undefined ? Buffer.from(`snapshot-${snapshot.id.slice(0, 8)}`) : last
  setAttachment(answer, Buffer.concat([base, Buffer.from(`.${kind}`)]))
  answer.setHeader('content-type', kind === 'zip' ? 'application/zip' : 'application/x-tar')
  answer.setHeader('content-security-policy', contentPolicy)
  answer.statusCode = 200
  if (request.method === 'HEAD') {
    answer.end()
    return
  }
  await sendParts(answer, kind === 'zip' ? zipOf(repository, nodes) : tarOf(repository, nodes))
}

/** As the client wrote it. */
function lastPart({ request }: Pick<Call, 'request'>): string {
  return (request.url ?? '').replace(/\?.*$/s, '').split('/').at(-1) ?? ''
}

function redirect(answer: ServerResponse, where: string): void {
  answer.statusCode = 301
  answer.setHeader('location', where)
  answer.end()
}

type Answering = Pick<Call, 'answer' | 'request'>

function sendPage({ answer, request }: Answering, text: string, status = 200): void {
  answer.statusCode = status
  answer.setHeader('content-type', 'text/html; charset=utf-8')
  answer.setHeader('content-security-policy', pagePolicy)
  answer.setHeader('content-length', Buffer.byteLength(text))
  answer.end(request.method === 'HEAD' ? undefined : text)
}

function sendProblem(call: Answering, status: number, sentence: string): void {
  const content = html`<main>
    <h1>${sentence}</h1>
    <p><a href="/-/browse/">All repositories</a></p>
  </main>`
  sendPage(call, page('Not shown', content), status)
}

/** Who, which snapshot, which path, and how many bytes. */
function noteAccess(
  { logger, exchange, address, snapshot }: Shown,
  what: string,
  bytes?: number,
): void {
  const path = `/${address.path.map(nameText).join('/')}`
  logger.info({ ...exchange.about, snapshot: snapshot.id, path, bytes }, what)
}

function fail(
  call: Pick<Call, 'answer' | 'request' | 'exchange' | 'logger'>,
  error: unknown,
): void {
  const { answer, exchange, logger } = call
  if (exchange.signal.aborted) {
    logger.debug({ ...exchange.about, err: error }, 'the client went away')
    answer.destroy()
    return
  }
  // A bug. Whatever else a strange repository makes fail here changes nothing that the gateway knows.
  if (error instanceof AssertionError) throw error
  logger.error({ ...exchange.about, err: error }, 'a snapshot cannot be shown')
  // What has begun must not look whole.
  if (answer.headersSent) answer.destroy()
  else {
    for (const header of answer.getHeaderNames()) {
      if (header.startsWith('content-') || header === 'etag') answer.removeHeader(header)
    }
    const isClosed = error instanceof ClosedError
    sendProblem(call, 503, isClosed ? error.message : 'The repository cannot be read just now.')
  }
}
