/** Serves the questions to a gateway that runs: HTTP over a Unix socket in its state folder, for its own user only. */
import { AssertionError } from 'node:assert'
import { chmod, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { ZodError } from 'zod'
import { eitherSignal } from '../../either-signal.js'
import { withoutSchemas } from '../../http/without-schemas.js'
import { version } from '../../program/version.js'
import { AdminError, type Admin } from './admin.js'
import { shortSocketPath } from '../../program/socket-path.js'
import {
  bytesInput,
  errorStatus,
  inputs,
  journalInput,
  operations,
  type Operation,
} from './protocol.js'

export interface AdminSocketOptions {
  readonly admin: Admin
  /** Whoever holds the state may take it: what lies there is left from a gateway that was killed. */
  readonly file: string
  readonly logger: Logger
}

export interface AdminSocket {
  readonly close: () => Promise<void>
}

const ownerOnly = 0o600

export async function openAdminSocket(options: AdminSocketOptions): Promise<AdminSocket> {
  const { file } = options
  const ending = new AbortController()
  const app = createAdminRouter(options, ending.signal)
  const short = await shortSocketPath(file)
  const close = async (): Promise<void> => {
    ending.abort()
    await app.close()
    await short.release()
  }
  try {
    await rm(file, { force: true })
    await app.listen({ path: short.path })
    await chmod(file, ownerOnly)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}

function createAdminRouter(
  { admin, logger }: AdminSocketOptions,
  ending: AbortSignal,
): FastifyInstance {
  const app = fastify({ ...withoutSchemas, logger: false, forceCloseConnections: true })
  app.setErrorHandler((error, _request, reply) => answerError(logger, reply, error))
  app.setNotFoundHandler((request, reply) => {
    const message = `the gateway does not know "${request.url}": it is another version of Lockkeeper; use its own command`
    return answerError(logger, reply, new AdminError('unavailable', message))
  })
  app.post('/greet', async (_request, reply) => reply.send({ version }))
  for (const operation of Object.keys(operations) as Operation[]) {
    app.post(`/${operation}`, async (request, reply) => {
      return reply
        .type('application/json')
        .send(JSON.stringify(await perform(admin, operation, request.body)))
    })
  }
  app.post('/bytes', async (request, reply) => {
    return reply.send(await admin.bytes(bytesInput.parse(request.body).id))
  })
  app.post('/journal', (request, reply) => {
    const gone = new AbortController()
    const { signal, release } = eitherSignal(gone.signal, ending)
    reply.raw.once('close', () => {
      gone.abort()
      release()
    })
    const records = admin.journal(journalInput.parse(request.body), signal)
    return reply.type('application/x-ndjson').send(Readable.from(linesOf(records)))
  })
  return app
}

function perform(admin: Admin, operation: Operation, body: unknown): Promise<unknown> {
  // The table pairs each schema with its operation, which the compiler cannot follow through a variable.
  const run = operations[operation] as (admin: Admin, input: unknown) => Promise<unknown>
  return run(admin, inputs[operation].parse(body))
}

async function* linesOf(records: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(record)}\n`
}

function answerError(logger: Logger, reply: FastifyReply, error: unknown): FastifyReply {
  // A bug: a gateway that has stopped commits nothing.
  if (error instanceof AssertionError) {
    setImmediate(() => {
      throw error
    })
  }
  if (error instanceof AdminError) {
    const { code, message } = error
    return reply.status(errorStatus[code]).send({ code, message })
  }
  if (error instanceof ZodError) {
    const message = error.issues.map((issue) => issue.message).join('; ')
    return reply.status(errorStatus.malformed).send({ code: 'malformed', message })
  }
  logger.error({ err: error }, 'an operator could not be answered')
  const message = error instanceof Error ? error.message : String(error)
  return reply.status(errorStatus.unavailable).send({ code: 'unavailable', message })
}
