/** Serves operators on a Unix socket in the state folder, for its own user only. */
import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { shortSocketPath } from '../program/socket-path.js'
import type { ApiParts } from './api/parts.js'
import { socketOperator } from './identity/socket-identity.js'
import { boundConnections, headersTimeoutMs } from './connection-bounds.js'

export interface OperatorSocketOptions {
  readonly parts: ApiParts
  /** Whoever holds the state may take it: what lies there is left from a gateway that was killed. */
  readonly file: string
  readonly logger: Logger
}

export interface OperatorSocket {
  readonly close: () => Promise<void>
}

const ownerOnly = 0o600

export async function openOperatorSocket({
  parts,
  file,
  logger,
}: OperatorSocketOptions): Promise<OperatorSocket> {
  const ending = new AbortController()
  // What answers is loaded with the first request: most gateways are never asked, and all start sooner.
  let loading: Promise<FastifyInstance> | undefined
  const load = async (): Promise<FastifyInstance> => {
    const { createOperatorServer } = await import('./operator-server.js')
    const app = createOperatorServer({
      ...{ parts, logger, ending: ending.signal },
      identify: async ({ headers }) => socketOperator(headers),
    })
    await app.ready()
    return app
  }
  const server = createServer({ headersTimeout: headersTimeoutMs }, (request, answer) => {
    loading ??= load()
    void loading.then((app) => app.routing(request, answer))
  })
  boundConnections(server)
  const short = await shortSocketPath(file)
  const close = async (): Promise<void> => {
    ending.abort()
    const closed = server.listening ? once(server, 'close') : undefined
    server.close()
    server.closeAllConnections()
    await closed
    await (await loading)?.close()
    await short.release()
  }
  try {
    await rm(file, { force: true })
    server.listen({ path: short.path })
    await once(server, 'listening')
    await chmod(file, ownerOnly)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}
