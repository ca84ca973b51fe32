/** Serves the operator's API: each route as it is written down, and nothing else. */
import { Readable } from 'node:stream'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { eitherSignal } from '../../program/either-signal.js'
import { version } from '../../program/version.js'
import { AdminError } from '../admin/admin.js'
import type { Operator } from '../identity/operator.js'
import { openApiOf } from './openapi.js'
import type { ApiParts } from './parts.js'
import { adminErrorOf, sendProblem } from './problem.js'
import type { JsonRoute, Route, RouteCall, StreamRoute } from './route.js'
import { prefix, routes } from './routes.js'

export interface ApiOptions {
  readonly parts: ApiParts
  readonly logger: Logger
  /** Throws an AdminError where it is not known who asks. */
  readonly identify: (request: FastifyRequest) => Promise<Operator>
  /** Ends streams that nobody else would. */
  readonly ending: AbortSignal
}

const healthPath = '/-/healthz'
const readyPath = '/-/readyz'
const metricsPath = '/metrics'

export const operatorApi: FastifyPluginCallback<ApiOptions> = (app, options, done) => {
  const { parts, logger } = options
  app.setErrorHandler((error, _request, reply) =>
    sendProblem(reply, adminErrorOf(error, logger)),
  )
  app.addHook('onSend', async (_request, reply) => {
    void reply.header('cache-control', 'no-store').header('lockkeeper-version', version)
  })
  const document = JSON.stringify(openApiOf(routes, prefix))
  app.get(`${prefix}/openapi.json`, (_request, reply) =>
    reply.type('application/json').send(document),
  )
  app.get(healthPath, (_request, reply) => reply.send({ status: 'ok' }))
  app.get(readyPath, (_request, reply) => {
    const fault = parts.fault()
    if (fault === undefined) return reply.send({ status: 'ok' })
    return sendProblem(reply, new AdminError('unavailable', fault))
  })
  app.get(metricsPath, async (request, reply) => {
    // A viewer may have them, so whoever is known may.
    await options.identify(request)
    const { scrape } = parts
    if (scrape === undefined) {
      const message =
        'nothing is counted: the gateway was started without --admin-listen and --prometheus'
      throw new AdminError('unknown-address', message)
    }
    const { type, text } = await scrape()
    return reply.type(type).send(text)
  })
  for (const route of routes) {
    app.route({
      method: route.method,
      url: `${prefix}${route.path.replace(/\{(\w+)\}/g, ':$1')}`,
      handler: (request, reply) => answer(options, route, request, reply),
    })
  }
  app.all(`${prefix}/*`, (request, reply) => {
    const message = `there is nothing at "${request.url}"; ${prefix}/openapi.json lists what there is`
    return sendProblem(reply, new AdminError('unknown-address', message))
  })
  done()
}

async function answer(
  options: ApiOptions,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const operator = await options.identify(request)
  allow(route, operator)
  refuseSession(route, operator)
  const call = {
    parts: options.parts,
    operator,
    params: route.params.parse(request.params),
    query: route.query.parse(request.query),
    body: route.body.parse(request.body ?? {}),
  }
  return route.kind === 'json'
    ? answerJson(route, call, reply)
    : answerStream(options, route, call, request, reply)
}

function allow({ role, isForSocket }: Route, operator: Operator): void {
  if (isForSocket === true && operator.way !== 'socket') {
    const message = 'this is for whoever may open the socket in the state folder only'
    throw new AdminError('not-an-operator', message)
  }
  if (role === 'viewer' || operator.role === 'operator') return
  throw new AdminError(
    'not-an-operator',
    `${operator.name} is a viewer, and this is for an operator`,
  )
}

/** A browser sends its session along by itself; the pages' own forms prove where they are from, and nothing here does. */
function refuseSession({ method }: Route, { way }: Operator): void {
  if (way !== 'link' || method === 'GET') return
  const message = 'the session of a browser may act on the pages only; a program needs a token'
  throw new AdminError('other-site', message)
}

async function answerJson(
  route: JsonRoute,
  call: RouteCall<unknown, unknown, unknown>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  return reply.type('application/json').send(JSON.stringify(await route.run(call)))
}

async function answerStream(
  { ending }: ApiOptions,
  route: StreamRoute,
  call: RouteCall<unknown, unknown, unknown>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = new AbortController()
  const { signal, release } = eitherSignal(gone.signal, ending)
  reply.raw.once('close', () => {
    gone.abort()
    release()
  })
  const { 'last-event-id': last } = request.headers
  const pieces = await route.run(call, signal, typeof last === 'string' ? last : undefined)
  void reply.type(route.type).header('x-accel-buffering', 'no')
  if (route.type === 'application/octet-stream') {
    void reply.header('content-disposition', 'attachment; filename="item"')
    void reply.header('content-security-policy', "sandbox; default-src 'none'")
  }
  return reply.send(pieces instanceof Readable ? pieces : Readable.from(pieces))
}
