/** Knows what one request and its answer look like from the line. */

/** `'POST index/'`: a method and a part of the path after a slash. */
export type Pattern = `${string} ${string}`

export interface Exchange {
  /** Counts the connections of a forwarder from 1. */
  readonly connection: number
  readonly method: string
  readonly path: string
  /** The request's whole head, for what rests on its headers. */
  readonly head: string
  /** When it was asked; times are `performance.now()`. */
  readonly askedMs: number
  /** Set once the server's answer has begun to come back, whether or not it was passed on. */
  answer?: { readonly status: number; readonly reason: string; readonly atMs: number }
}

/** How WebDAV calls what REST calls otherwise; patterns are REST's, so that stories can be told through either. */
const inRest: Readonly<Record<string, string>> = { PUT: 'POST', PROPFIND: 'GET' }

export const matches = (pattern: Pattern, { method, path }: Exchange): boolean => {
  const [verb, part] = pattern.split(' ')
  const spoken = path.startsWith('/-/dav/') ? (inRest[method] ?? method) : method
  return spoken === verb && path.includes(`/${part ?? ''}`)
}

/** One line an exchange: connection, request, answer. */
export const describe = (exchanges: readonly Exchange[]): string =>
  exchanges
    .map(({ connection, method, path, answer }) => {
      const reply = answer === undefined ? '...' : `${answer.status} ${answer.reason}`
      return `#${connection} ${method} ${path} -> ${reply}`
    })
    .join('\n')
