/** Serves the operators' pages: which address shows what, and who may do what there. */
import csrf from '@fastify/csrf-protection'
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AdminError } from '../admin/admin.js'
import { adminReasons } from '../admin/reasons.js'
import { adminErrorOf } from '../api/problem.js'
import type { ApiParts } from '../api/parts.js'
import type { Entrance } from '../identity/entrance.js'
import type { Operator } from '../identity/operator.js'
import { sessionCookie } from '../identity/request-identity.js'
import { html } from '../../pages/html.js'
import { registerActs } from './acts.js'
import { base, layout } from './layout.js'
import { registerViews } from './views.js'
import { script, style } from './style.js'

export interface PagesOptions {
  readonly parts: ApiParts
  readonly logger: Logger
  readonly identify: (request: FastifyRequest) => Promise<Operator>
  readonly entrance: Entrance
  readonly asksForPasswords: boolean
  readonly isTls: boolean
}

/** What each page is made with. */
export interface Room {
  readonly app: FastifyInstance
  readonly parts: ApiParts
  readonly identify: PagesOptions['identify']
  /** Proves that a form of this answer is from one of these pages. */
  readonly proofOf: (reply: FastifyReply) => string
  readonly show: (
    reply: FastifyReply,
    page: Omit<Parameters<typeof layout>[0], 'proof'>,
  ) => FastifyReply
}

const cookieOptions = { path: '/', httpOnly: true, sameSite: 'strict' } as const

export async function operatorPages(
  app: FastifyInstance,
  options: PagesOptions,
): Promise<void> {
  const { parts, logger, identify, entrance, isTls } = options
  const secureCookie = { ...cookieOptions, secure: isTls }
  await app.register(formbody)
  await app.register(csrf, { cookieKey: 'lockkeeper-csrf', cookieOpts: secureCookie })
  await app.register(helmet, helmetOptions(isTls))
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
  })
  // A second call would make a second secret for a browser that has none yet.
  const proofs = new WeakMap<FastifyReply, string>()
  const proofOf: Room['proofOf'] = (reply) => {
    const proof = proofs.get(reply) ?? reply.generateCsrf()
    proofs.set(reply, proof)
    return proof
  }
  const show: Room['show'] = (reply, page) => {
    const proof = page.operator === undefined ? undefined : proofOf(reply)
    return reply.type('text/html; charset=utf-8').send(layout({ ...page, proof }))
  }
  app.setErrorHandler((error, _request, reply) => {
    const told = isForged(error) ? forged() : adminErrorOf(error, logger)
    const { status, title } = adminReasons[told.reason]
    if (told.reason === 'not-signed-in' && options.asksForPasswords) {
      void reply.header('www-authenticate', 'Basic realm="Lockkeeper", charset="UTF-8"')
    }
    const content = html`<p>${told.message}</p>
      <p><a href="${base}/">To the overview</a></p>`
    return show(reply.status(status), { title, operator: undefined, content })
  })
  registerEntrance(app, entrance, secureCookie)
  const room = { app, parts, identify, show, proofOf }
  registerViews(room)
  registerActs(room)
}

function registerEntrance(
  app: FastifyInstance,
  entrance: Entrance,
  secureCookie: typeof cookieOptions & { secure: boolean },
): void {
  app.get('/', (_request, reply) => reply.redirect(`${base}/`))
  app.get(`${base}/enter`, (request, reply) => {
    const { link } = request.query as { readonly link?: unknown }
    const session = typeof link === 'string' ? entrance.enter(link) : undefined
    if (session === undefined) {
      throw new AdminError(
        'link-is-used',
        'the link was used already, or its minute is over; "lockkeeper ui" prints another',
      )
    }
    void reply.setCookie(sessionCookie, session, secureCookie)
    return reply.redirect(`${base}/`, 303)
  })
  app.post(
    `${base}/leave`,
    { preHandler: (...hook) => app.csrfProtection(...hook) },
    (request, reply) => {
      const session = request.cookies[sessionCookie]
      if (session !== undefined) entrance.leave(session)
      void reply.clearCookie(sessionCookie, secureCookie)
      return reply.redirect(`${base}/`, 303)
    },
  )
  // Neither tells anything, so a browser that is not signed in yet may have them.
  app.get(`${base}/style.css`, (_request, reply) =>
    reply.header('cache-control', 'max-age=60').type('text/css').send(style),
  )
  app.get(`${base}/live.js`, (_request, reply) =>
    reply.header('cache-control', 'max-age=60').type('text/javascript').send(script),
  )
}

/** Nothing is loaded from elsewhere, nothing within a page runs, and no other page may frame it. */
function helmetOptions(isTls: boolean): object {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ['data:'],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: isTls,
  }
}

function isForged(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('FST_CSRF')
}

function forged(): AdminError {
  const message =
    'the form is not from one of these pages, or is too old; go back, load the page again and repeat it'
  return new AdminError('other-site', message)
}
