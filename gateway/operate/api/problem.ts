/** Tells why the answer is no, as RFC 9457 has it: one stable type a reason. */
import { AssertionError } from 'node:assert'
import type { FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { z, ZodError } from 'zod'
import { BackendError } from '../../../fencing/ports.js'
import { AdminError } from '../admin/admin.js'
import { adminReasonNames, adminReasons } from '../admin/reasons.js'

export const problemType = 'application/problem+json'

export const problemView = z.object({
  type: z.string().meta({ description: 'Stable for each reason.' }),
  title: z.string(),
  status: z.number(),
  detail: z.string().meta({ description: 'A sentence for people that says what to do.' }),
  reason: z.enum(adminReasonNames),
})

export type Problem = z.infer<typeof problemView>

export function problemOf({ reason, message }: AdminError): Problem {
  const { status, title } = adminReasons[reason]
  return { type: `urn:lockkeeper:problem:${reason}`, title, status, detail: message, reason }
}

/** What went wrong, as an operator is told it. What nobody expected is in the log. */
export function adminErrorOf(error: unknown, logger: Logger): AdminError {
  // A bug: a gateway that has stopped commits nothing.
  if (error instanceof AssertionError) {
    setImmediate(() => {
      throw error
    })
  }
  if (error instanceof AdminError) return error
  if (error instanceof ZodError) return new AdminError('malformed-question', wordsOf(error))
  if (error instanceof BackendError) {
    return new AdminError('unavailable', error.message, { cause: error })
  }
  if (isOfClient(error)) {
    return new AdminError('malformed-question', error.message, { cause: error })
  }
  logger.error({ err: error }, 'an operator could not be answered')
  const message = error instanceof Error ? error.message : String(error)
  return new AdminError('unavailable', message, { cause: error })
}

export function sendProblem(reply: FastifyReply, error: AdminError): FastifyReply {
  const problem = problemOf(error)
  return reply.status(problem.status).type(problemType).send(JSON.stringify(problem))
}

function wordsOf({ issues }: ZodError): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ')
}

/** Fastify's own: a body that is no JSON, or too large. */
function isOfClient(error: unknown): error is Error {
  if (!(error instanceof Error) || !('statusCode' in error)) return false
  return Number(error.statusCode) >= 400 && Number(error.statusCode) < 500
}
