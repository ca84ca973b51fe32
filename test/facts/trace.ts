/** Knows how what a process asked of a repository is written down briefly, so that traces can be compared. */
import type { Exchange } from '../end-to-end/harness/exchange.js'
import type { Connection, Forwarder } from '../end-to-end/harness/forwarder.js'

const VERBS: Readonly<Record<string, string>> = {
  HEAD: 'head',
  GET: 'get',
  POST: 'post',
  DELETE: 'delete',
}

/** `list locks`, `post index`, `head config`. */
export const stepOf = ({ method, path }: Exchange): string => {
  const [, kind = 'create', name = ''] = path.split('/').slice(1)
  if (method === 'GET' && name === '' && kind !== 'config') return `list ${kind}`
  return `${VERBS[method] ?? method} ${kind.split('?')[0] || 'create'}`
}

const isFailed = ({ answer }: Exchange): boolean => (answer?.status ?? 0) >= 400

/** The steps in order; what is repeated at once is counted. */
export const traceOf = (exchanges: readonly Exchange[]): string => {
  const steps: { text: string; count: number }[] = []
  for (const exchange of exchanges) {
    const failed = isFailed(exchange) ? ` (${exchange.answer?.status ?? '?'})` : ''
    const text = stepOf(exchange) + failed
    const last = steps.at(-1)
    if (last?.text === text) last.count++
    else steps.push({ text, count: 1 })
  }
  return steps.map(({ text, count }) => (count === 1 ? text : `${text} x${count}`)).join(', ')
}

export const has = (exchanges: readonly Exchange[], step: string): boolean =>
  exchanges.some((exchange) => stepOf(exchange) === step)

export const listsOf = (exchanges: readonly Exchange[]): readonly string[] =>
  ['snapshots', 'index', 'data', 'locks', 'keys'].filter((kind) =>
    has(exchanges, `list ${kind}`),
  )

/** Where the own lock went: the connections of the opening, of the post of the first lock, and of its deletion. */
export const lockConnections = (exchanges: readonly Exchange[]) => {
  const at = (step: string, from: 'first' | 'last'): number | undefined => {
    const found = exchanges.filter((exchange) => stepOf(exchange) === step)
    return found.at(from === 'first' ? 0 : -1)?.connection
  }
  return {
    opening: at('head config', 'first'),
    posted: at('post locks', 'first'),
    deleted: at('delete locks', 'last'),
  }
}

const HEADERS = ['user-agent', 'authorization', 'host', 'accept'] as const

/** The values that each header had; one each is a constant of the process. */
export const headersOf = (exchanges: readonly Exchange[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    HEADERS.map((name) => {
      const pattern = new RegExp(`\\r\\n${name}: *([^\\r\\n]*)`, 'i')
      const values = new Set(exchanges.map(({ head }) => pattern.exec(head)?.[1] ?? 'none'))
      return [name, [...values].join(' | ')]
    }),
  )

export interface Closing {
  /** From the connection's last answer to its end. */
  readonly afterMs: number
  /** From the process's last answer on any connection; below 0 where it went on without this one. */
  readonly afterAllMs: number
  readonly by: 'client' | 'server'
}

/** How each connection that is closed came to its end. */
export const closingsOf = ({ exchanges, connections }: Forwarder): readonly Closing[] =>
  connections.flatMap(({ number, openedMs, closed }: Connection) => {
    if (closed === undefined) return []
    const afterLastOf = (some: readonly Exchange[]): number =>
      Math.round(
        closed.atMs - Math.max(openedMs, ...some.map(({ answer }) => answer?.atMs ?? 0)),
      )
    const own = exchanges.filter(({ connection }) => connection === number)
    return [{ afterMs: afterLastOf(own), afterAllMs: afterLastOf(exchanges), by: closed.by }]
  })
