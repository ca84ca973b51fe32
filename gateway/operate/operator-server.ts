/** Makes the server that operators speak with: the API, and the pages over it, behind one proof of who asks. */
import type { Server } from 'node:http'
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { refusalOfPage } from '../http/pages.js'
import { withoutSchemas } from '../http/without-schemas.js'
import { AdminError } from './admin/admin.js'
import { operatorApi } from './api/api.js'
import type { ApiParts } from './api/parts.js'
import { problemOf, sendProblem } from './api/problem.js'
import type { Entrance } from './identity/entrance.js'
import type { Operator } from './identity/operator.js'
import { operatorPages } from './pages/pages.js'
import cookie from '@fastify/cookie'

export interface OperatorServerOptions {
  readonly parts: ApiParts
  readonly logger: Logger
  /** Throws an AdminError where it is not known who asks. */
  readonly identify: (request: FastifyRequest) => Promise<Operator>
  readonly ending: AbortSignal
  /** Names in lower case, beside those of this machine, that may lead here; undefined where no browser comes. */
  readonly names?: readonly string[]
  readonly tls?: OperatorTls | undefined
  /** Only where browsers come in. */
  readonly browsers?: Browsers
}

export interface Browsers {
  readonly entrance: Entrance
  /** A browser is to ask for a password where it is not known who is there. */
  readonly asksForPasswords: boolean
}

export interface OperatorTls {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
}

const bodyBytesMax = 64 * 1024
const headersTimeoutMs = 15_000
const connectionsMax = 256

export function createOperatorServer(options: OperatorServerOptions): FastifyInstance {
  const { parts, logger, identify, ending, names, tls } = options
  const app: FastifyInstance = fastify({
    ...withoutSchemas,
    logger: false,
    forceCloseConnections: true,
    bodyLimit: bodyBytesMax,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 8_192 },
    http: { headersTimeout: headersTimeoutMs },
    ...(tls === undefined ? {} : { https: secure(tls) }),
  })
  bound(app.server)
  app.addHook('onRequest', async (request, reply) => {
    if (names === undefined) return
    const told = refusalOfPage(request.raw, false, names)
    if (told !== undefined) sendProblem(reply, new AdminError('other-site', told.sentence))
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `the gateway does not know "${request.url}"`
    const problem = problemOf(new AdminError('unknown-address', message))
    // A command of an earlier version reads these two.
    const forEarlier = {
      code: 'unavailable',
      message: `${message}: it is another version of Lockkeeper; use its own command`,
    }
    return reply.status(problem.status).send({ ...problem, ...forEarlier })
  })
  app.register(cookie)
  app.register(operatorApi, { parts, logger, identify, ending })
  const { browsers } = options
  if (browsers !== undefined) {
    app.register(operatorPages, {
      ...{ parts, logger, identify, isTls: tls !== undefined },
      ...browsers,
    })
  }
  return app
}

/** A certificate is asked for, and not required: who has none may have a password. */
function secure({ cert, key, ca }: OperatorTls): object {
  return {
    ...{ cert, key },
    ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: false }),
  }
}

function bound(server: Server): void {
  server.maxConnections = connectionsMax
  server.requestTimeout = 60_000
}
