/** Knows what the gateway says about itself: its commands' `--json`, read as a client of it would. */
import { z } from 'zod'
import type { World } from './world.js'

const Status = z.array(
  z.looseObject({
    name: z.string(),
    generation: z.number(),
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

export type RepositoryStatus = z.infer<typeof Status>[number]
export type QuarantinedItem = z.infer<typeof Quarantine>[number]
export type JournalRecord = z.infer<typeof Journal>[number]

const ask = async (world: World, ...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await world.lockkeeper(...args, '--json')
  if (code !== 0)
    throw new Error(`lockkeeper ${args.join(' ')}: exit ${code ?? '?'}\n${stderr}`)
  return stdout
}

export const statusOf = async (world: World): Promise<readonly RepositoryStatus[]> =>
  Status.parse(JSON.parse(await ask(world, 'status')))

export const quarantineOf = async (world: World): Promise<readonly QuarantinedItem[]> =>
  Quarantine.parse(JSON.parse(await ask(world, 'quarantine', 'list')))

/** The journal's records in order; one JSON object a line. */
export const journalOf = async (world: World): Promise<readonly JournalRecord[]> => {
  const lines = (await ask(world, 'journal')).split('\n').filter((line) => line !== '')
  return Journal.parse(lines.map((line): unknown => JSON.parse(line)))
}
