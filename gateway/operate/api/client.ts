/** Asks a gateway that runs through its API, over the socket in its state, as if it were asked directly. */
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { codeOf } from '../../program/fault.js'
import { AdminError, type Admin } from '../admin/admin.js'
import {
  archiveView,
  clientView,
  endedView,
  itemView,
  journalPageView,
  linkView,
  lockView,
  madeTokenView,
  maintenanceView,
  notifyTestView,
  overlayView,
  recordView,
  repositoryView,
  tokenView,
  unfencedView,
  verificationView,
} from '../admin/views.js'
import { problemType, problemView } from './problem.js'
import { prefix } from './prefix.js'
import { actorHeader } from '../identity/socket-identity.js'

export interface ApiClient extends Admin {
  /** Rejects with Node's own error where nobody answers. */
  readonly greet: () => Promise<void>
  readonly close: () => Promise<void>
}

interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Below the prefix. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  /** Who acts. */
  readonly by?: string
  readonly signal?: AbortSignal
}

type Ask = (asked: Asked) => Promise<IncomingMessage>

export function connectApi(socketPath: string): ApiClient {
  // The operator may wait as long as it takes, so without a timeout: a followed journal never ends.
  const agent = new Agent({ keepAlive: true })
  const ask: Ask = (asked) => send(agent, socketPath, asked)
  const one = async <S extends z.ZodType>(schema: S, asked: Asked): Promise<z.output<S>> => {
    try {
      return schema.parse(await json(await ask(asked)))
    } catch (error) {
      throw gone(error)
    }
  }
  return {
    ...asking(one),
    ...acting(one),
    bytes: (id) => readBytes(ask, `/quarantine/${part(id)}/bytes`),
    journal: ({ repository, position, time, isFollowed }, signal) => {
      const since = time === undefined ? {} : { time: new Date(time).toISOString() }
      const query = { repository, position, ...since, follow: isFollowed }
      return readJournal(ask, { path: '/journal/records', query, signal })
    },
    greet: async () => {
      await json(await ask({ path: '/openapi.json' }))
    },
    close: async () => {
      agent.destroy()
      return Promise.resolve()
    },
  }
}

type One = <S extends z.ZodType>(schema: S, asked: Asked) => Promise<z.output<S>>

function asking(
  one: One,
): Pick<
  Admin,
  | ('status' | 'unfenced' | 'items' | 'item' | 'find' | 'clients' | 'locks' | 'maintenances')
  | ('verify' | 'overlayOf' | 'tokens')
> {
  return {
    status: (repository) =>
      one(z.array(repositoryView), {
        path: repository === undefined ? '/repositories' : `/repositories/${part(repository)}`,
      }),
    unfenced: async () =>
      (await one(z.object({ unfenced: unfencedView }), { path: '/unfenced' })).unfenced,
    items: ({ repository, isWhole }) =>
      one(z.array(itemView), { path: '/quarantine', query: { repository, whole: isWhole } }),
    item: (id) => one(itemView, { path: `/quarantine/${part(id)}` }),
    find: ({ kinds, since, until, ...rest }) =>
      one(journalPageView, {
        path: '/journal',
        query: {
          ...rest,
          kinds: kinds?.join(','),
          since: since === undefined ? undefined : new Date(since).toISOString(),
          until: until === undefined ? undefined : new Date(until).toISOString(),
        },
      }),
    clients: (repository) =>
      one(z.array(clientView), { path: '/clients', query: { repository } }),
    locks: (repository) =>
      one(z.array(lockView), { path: `/repositories/${part(repository)}/locks` }),
    maintenances: (repository) =>
      one(z.array(maintenanceView), { path: `/repositories/${part(repository)}/maintenances` }),
    verify: (query) =>
      one(z.array(verificationView), { path: '/journal/verification', query: { ...query } }),
    overlayOf: (id) => one(overlayView, { path: `/overlays/${part(id)}` }),
    tokens: () => one(z.array(tokenView), { path: '/tokens' }),
  }
}

function acting(
  one: One,
): Pick<
  Admin,
  | ('endWriter' | 'release' | 'discard' | 'overlay' | 'archive' | 'fence')
  | ('addToken' | 'revokeToken' | 'link' | 'testNotification')
> {
  const post = { method: 'POST' } as const
  return {
    endWriter: (id, by) => one(endedView, { ...post, path: `/writers/${part(id)}/end`, by }),
    release: (id, { by, reason, isForced }) =>
      one(itemView, {
        ...{ ...post, path: `/quarantine/${part(id)}/release`, by },
        body: { reason, force: isForced },
      }),
    discard: (id, { by, reason }) =>
      one(itemView, { ...post, path: `/quarantine/${part(id)}/discard`, by, body: { reason } }),
    overlay: (items) => one(overlayView, { ...post, path: '/overlays', body: { items } }),
    archive: (body) => one(z.array(archiveView), { ...post, path: '/journal/archive', body }),
    fence: async (repository, { by, reason }) => {
      const path = `/repositories/${part(repository)}/fence`
      const answer = z.object({ generation: z.number() })
      return (await one(answer, { ...post, path, by, body: { reason } })).generation
    },
    addToken: ({ by, ...body }) => one(madeTokenView, { ...post, path: '/tokens', by, body }),
    revokeToken: (id) => one(tokenView, { method: 'DELETE', path: `/tokens/${part(id)}` }),
    testNotification: () => one(z.array(notifyTestView), { ...post, path: '/notify/test' }),
    link: (by) => one(linkView, { ...post, path: '/links', by }),
  }
}

/** One part of a path: the root itself is written `/`. */
function part(name: string): string {
  return encodeURIComponent(name === '' || name === '.' ? '/' : name)
}

async function send(
  agent: Agent,
  socketPath: string,
  { method = 'GET', path, query = {}, body, by, signal }: Asked,
): Promise<IncomingMessage> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const words = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  )
  const asked = request({
    ...{ agent, socketPath, method },
    path: `${prefix}${path}${given.length === 0 ? '' : `?${words.toString()}`}`,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(by === undefined ? {} : { [actorHeader]: encodeURIComponent(by) }),
    },
    ...(signal === undefined ? {} : { signal }),
  })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  // Only whoever reads the answer is to hear that it broke off.
  answer.on('error', () => undefined)
  asked.on('error', () => undefined)
  if (answer.statusCode === 200) return answer
  throw await refusalIn(answer)
}

async function refusalIn(answer: IncomingMessage): Promise<AdminError> {
  if (answer.headers['content-type']?.startsWith(problemType) === true) {
    const problem = problemView.safeParse(await json(answer))
    if (problem.success) return new AdminError(problem.data.reason, problem.data.detail)
  } else answer.resume()
  const message =
    'the gateway answers as no gateway of this version does: it is another version of Lockkeeper; use its own command'
  return new AdminError('another-version', message)
}

async function* readJournal(ask: Ask, asked: Asked): ReturnType<Admin['journal']> {
  try {
    const body = await ask(asked)
    for await (const line of linesOf(body)) yield recordView.parse(JSON.parse(line))
  } catch (error) {
    if (asked.signal?.aborted !== true) throw gone(error)
  }
}

async function readBytes(ask: Ask, path: string): Promise<Readable> {
  try {
    return Readable.from(piecesOf(await ask({ path })), { objectMode: false })
  } catch (error) {
    throw gone(error)
  }
}

async function* piecesOf(body: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer
  } catch (error) {
    throw gone(error)
  }
}

async function* linesOf(body: IncomingMessage): AsyncGenerator<string> {
  let unfinished = ''
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = `${unfinished}${String(chunk)}`.split('\n')
    unfinished = lines.pop() ?? ''
    yield* lines
  }
}

const goneCodes = ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ENOENT']

/** The gateway ended, or was ended, in the middle of its answer or just before. */
function gone(error: unknown): unknown {
  if (!goneCodes.includes(codeOf(error) ?? '')) return error
  return new AdminError('gateway-gone', 'the gateway has gone; ask again', { cause: error })
}
