/**
 * Knows what the gateway says about itself: what its commands print with `--json`, asked as they ask, but in this process.
 * A command takes half a second of processor time to start, and there are hundreds of questions;
 * test/gateway/commands.test.ts has the commands themselves.
 */
import { z } from 'zod'
import type { Admin } from '../../../gateway/operate/admin/admin.js'
import { reachAdmin } from '../../../gateway/operate/admin/reach.js'
import type { World } from './world.js'

const Status = z.array(
  z.looseObject({
    name: z.string(),
    generation: z.number(),
    fault: z.string().nullable(),
    writers: z.array(z.looseObject({ id: z.string(), state: z.string() })),
    quarantined: z.looseObject({ count: z.number(), bytes: z.number() }),
  }),
)

const Quarantine = z.array(
  z.looseObject({
    id: z.string(),
    repository: z.string(),
    object: z.string(),
    reason: z.string(),
    generation: z.number(),
    currentGeneration: z.number(),
    size: z.number(),
    tries: z.number(),
    state: z.string(),
  }),
)

const Journal = z.array(z.looseObject({ kind: z.string() }))

const Verification = z.array(z.looseObject({ repository: z.string(), bad: z.unknown() }))

export type RepositoryStatus = z.infer<typeof Status>[number]
export type QuarantinedItem = z.infer<typeof Quarantine>[number]
export type JournalRecord = z.infer<typeof Journal>[number]

const ask = async (
  world: World,
  question: (admin: Admin) => Promise<unknown>,
): Promise<unknown> => {
  const folder = { path: world.repositories, state: undefined }
  const { admin, close } = await reachAdmin(folder, 'a test')
  try {
    return JSON.parse(JSON.stringify(await question(admin)))
  } finally {
    await close()
  }
}

/** A journal that cannot be read is an error, as it is for the command. */
export const statusOf = async (world: World): Promise<readonly RepositoryStatus[]> => {
  const views = Status.parse(await ask(world, (admin) => admin.status()))
  const fault = views.find((view) => view.fault !== null)?.fault
  if (fault !== undefined) throw new Error(`status: ${String(fault)}`)
  return views
}

export const quarantineOf = async (world: World): Promise<readonly QuarantinedItem[]> =>
  Quarantine.parse(await ask(world, (admin) => admin.items({ isWhole: false })))

/** The journal's records in order. */
export const journalOf = async (world: World): Promise<readonly JournalRecord[]> => {
  const records = ask(world, async (admin) => {
    const all: unknown[] = []
    const never = new AbortController().signal
    for await (const record of admin.journal({ isFollowed: false }, never)) all.push(record)
    return all
  })
  return Journal.parse(await records)
}

/** What proving the chains of hashes finds; an error where a journal cannot be read. */
export const brokenChainsOf = async (world: World): Promise<readonly string[]> =>
  Verification.parse(await ask(world, (admin) => admin.verify({})))
    .filter(({ bad }) => bad !== null)
    .map((view) => `journal verify: ${JSON.stringify(view)}`)
