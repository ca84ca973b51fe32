/** Knows how an operator's questions travel between a command and a gateway that runs: JSON over HTTP. */
import { z } from 'zod'
import { adminErrorCodes, type Admin } from './admin.js'
import {
  archiveView,
  endedView,
  itemView,
  repositoryView,
  unfencedView,
  verificationView,
} from './views.js'

const act = { by: z.string().min(1), reason: z.string().min(1) }
const byId = z.object({ id: z.string() })

export const inputs = {
  status: z.object({ repository: z.string().optional() }),
  unfenced: z.object({}),
  endWriter: z.object({ id: z.string(), by: z.string().min(1) }),
  items: z.object({ repository: z.string().optional(), isWhole: z.boolean() }),
  item: byId,
  release: z.object({ id: z.string(), ...act, isForced: z.boolean() }),
  discard: z.object({ id: z.string(), ...act }),
  verify: z.object({ repository: z.string().optional(), head: z.string().optional() }),
  archive: z.object({ repository: z.string().optional() }),
  fence: z.object({ repository: z.string(), ...act }),
}

export const outputs = {
  status: z.array(repositoryView),
  unfenced: unfencedView,
  endWriter: endedView,
  items: z.array(itemView),
  item: itemView,
  release: itemView,
  discard: itemView,
  verify: z.array(verificationView),
  archive: z.array(archiveView),
  fence: z.number(),
} satisfies Record<Operation, z.ZodType>

export type Operation = keyof typeof inputs
export type Input<O extends Operation> = z.infer<(typeof inputs)[O]>
export type Output<O extends Operation> = z.infer<(typeof outputs)[O]>

type Operations = {
  readonly [O in Operation]: (admin: Admin, input: Input<O>) => Promise<Output<O>>
}

export const operations: Operations = {
  status: (admin, { repository }) => admin.status(repository),
  unfenced: (admin) => admin.unfenced(),
  endWriter: (admin, { id, by }) => admin.endWriter(id, by),
  items: (admin, question) => admin.items(question),
  item: (admin, { id }) => admin.item(id),
  release: (admin, { id, ...rest }) => admin.release(id, rest),
  discard: (admin, { id, ...rest }) => admin.discard(id, rest),
  verify: (admin, question) => admin.verify(question),
  archive: (admin, question) => admin.archive(question),
  fence: (admin, { repository, ...rest }) => admin.fence(repository, rest),
}

/** Answered as bytes. */
export const bytesInput = byId
/** Answered as one JSON object a line. */
export const journalInput = z.object({
  repository: z.string().optional(),
  position: z.number().int().optional(),
  time: z.number().optional(),
  isFollowed: z.boolean(),
})

export const errorAnswer = z.object({ code: z.enum(adminErrorCodes), message: z.string() })
export const errorStatus = {
  unknown: 404,
  refused: 409,
  malformed: 400,
  unavailable: 503,
} as const
