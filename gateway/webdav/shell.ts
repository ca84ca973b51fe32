/**
 * Knows the library webdav-server (with plain-tree.ts, nobody else does). It finds the method of a request, and does
 * COPY, MOVE, DELETE and MKCOL of plain files. It is never shown a client's request, only one that is made anew of what
 * the door has understood: a strange header or address would end the process. What it answers is not sent, only read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import webdav from 'webdav-server/lib/index.v2.js'
import { hrefOf } from './target.js'
import type { PlainFiles, PlainPath } from './plain-files.js'
import { PlainTree } from './plain-tree.js'

const { WebDAVServer, WebDAVServerOptions, Errors } = webdav
type Context = webdav.HTTPRequestContext
type Execute = (request: IncomingMessage, response: ServerResponse) => void
type LibraryMethod = webdav.HTTPMethod

/** One request as the library sees it. */
export interface Shown {
  readonly method: string
  readonly path: PlainPath
  readonly destination?: PlainPath
  readonly overwrites: boolean
  readonly isShallow: boolean
}

/** `byLibrary` does to plain files what the method says, and answers its status. */
export type Handler = (byLibrary: () => Promise<number>) => Promise<void>

interface Subject {
  readonly shown: Shown
  readonly handler: Handler
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  isAtWork: boolean
}

const ownMethods = ['OPTIONS', 'PROPFIND', 'PROPPATCH', 'GET', 'HEAD', 'PUT', 'LOCK', 'UNLOCK']
const libraryMethods = ['COPY', 'MOVE', 'DELETE', 'MKCOL']
export const davMethods: readonly string[] = [...ownMethods, ...libraryMethods]

export class Shell {
  readonly #server: webdav.WebDAVServer
  readonly #subjects = new WeakMap<object, Subject>()

  constructor(plain: PlainFiles | undefined) {
    const subjectOf = (context: object): Subject | undefined => this.#subjectOf(context)
    const options = Object.assign(new WebDAVServerOptions(), {
      rootFileSystem: new PlainTree(plain, {
        isAtWork: (context) => subjectOf(context)?.isAtWork === true,
        isShallow: (context) => subjectOf(context)?.shown.isShallow === true,
        onFault: (context, error) => subjectOf(context)?.reject(error),
      }),
      // Who may do what is decided before a request comes here.
      httpAuthentication: {
        askForAuthentication: () => ({}),
        getUser: (_context: Context, callback: (error: Error) => void) =>
          callback(Errors.UserNotFound),
      },
      version: '2',
    })
    this.#server = new WebDAVServer(options)
    const library = { ...this.#server.methods }
    for (const name of davMethods) this.#register(name, library[name.toLowerCase()])
  }

  /** Resolves when the handler of the method has answered. Rejects with whatever was thrown on the way. */
  run(shown: Shown, handler: Handler): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = requestOf(shown)
      const refuse = (): void => reject(new Error('the library took a request for a bad one'))
      this.#subjects.set(request, { shown, handler, resolve, reject, isAtWork: false })
      const execute = this.#server.executeRequest as Execute
      execute(request, silentResponse(refuse))
    })
  }

  #register(name: string, command: LibraryMethod | undefined): void {
    this.#server.method(name, {
      chunked: (context) => {
        const subject = this.#subjectOf(context)
        if (subject === undefined) throw new Error('the library is shown every request')
        const byLibrary = (): Promise<number> => {
          subject.isAtWork = true
          return runCommand(command, context)
        }
        subject.handler(byLibrary).then(subject.resolve, subject.reject)
      },
    })
  }

  #subjectOf(context: object): Subject | undefined {
    const request: unknown = 'request' in context ? context.request : undefined
    return typeof request === 'object' && request !== null
      ? this.#subjects.get(request)
      : undefined
  }
}

async function runCommand(
  command: LibraryMethod | undefined,
  context: Context,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    context.exit = resolve
    if (command?.unchunked === undefined) reject(new Error('the library has no such command'))
    else command.unchunked(context, Buffer.alloc(0), resolve)
  })
  return context.response.statusCode
}

function requestOf({
  method,
  path,
  destination,
  overwrites,
  isShallow,
}: Shown): IncomingMessage {
  const request = {
    method,
    url: hrefOf('', path, path.length === 0),
    headers: {
      host: 'localhost',
      overwrite: overwrites ? 'T' : 'F',
      depth: isShallow ? '0' : 'infinity',
      ...(destination === undefined
        ? {}
        : { destination: hrefOf('', destination, destination.length === 0) }),
    },
  }
  return request as unknown as IncomingMessage
}

/** What the library writes goes nowhere; the status is read off it. */
function silentResponse(end: () => void): ServerResponse {
  const ignore = (): void => undefined
  const response = { statusCode: 200, setHeader: ignore, write: ignore, end, on: ignore }
  return response as unknown as ServerResponse
}
