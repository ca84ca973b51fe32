/** Measures what one version of restic asks, command by command, with other locks there, and while it idles. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ResticVersion } from '../end-to-end/harness/clients.js'
import { MIB, randomBytes } from '../end-to-end/harness/content.js'
import type { World } from '../end-to-end/harness/world.js'
import { Asking, type Heard } from './asking.js'
import { commands } from './commands.js'
import {
  closingsOf,
  headersOf,
  listsOf,
  lockConnections,
  stepOf,
  traceOf,
  type Closing,
} from './trace.js'

export interface CommandFacts {
  readonly name: string
  readonly exitCode: number | null
  readonly trace: string
  readonly lists: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly closings: readonly Closing[]
}

export interface LockFacts {
  readonly foreignLocks: number
  readonly runs: number
  /** How often the own lock was posted elsewhere than on the connection of the opening. */
  readonly postedElsewhere: number
}

export interface IdleFacts {
  /** What a backup asks while it waits for input, each with its connection and its second. */
  readonly refresh: string
  /** When each connection was closed, and by whom. */
  readonly closings: readonly Closing[]
  readonly end: string
}

const RUNS_BESIDE_LOCKS = 8
/** Past the first refresh of a lock, and past the end of the connections that it came on. */
const IDLE_MS = 420_000

const factsOf = (name: string, { line, ended }: Heard): CommandFacts => ({
  name,
  exitCode: ended.code,
  trace: traceOf(line.exchanges),
  lists: listsOf(line.exchanges),
  headers: headersOf(line.exchanges),
  closings: closingsOf(line),
})

export const measureCommands = async (
  world: World,
  version: ResticVersion,
): Promise<readonly CommandFacts[]> => {
  const asking = await Asking.open(world, version)
  const all: CommandFacts[] = []
  for (const command of commands)
    if (command.without?.includes(version) !== true)
      all.push(factsOf(command.name, await asking.ask(command)))
  all.push(factsOf('init', await asking.hear('fresh', ['init'])))
  return all
}

export const measureLocks = async (
  world: World,
  version: ResticVersion,
): Promise<readonly LockFacts[]> => {
  const asking = await Asking.open(world, version)
  const all: LockFacts[] = []
  for (const foreignLocks of [0, 1, 2, 3]) {
    await asking.leaveLocks(foreignLocks)
    let postedElsewhere = 0
    for (let run = 0; run < RUNS_BESIDE_LOCKS; run++) {
      const { line } = await asking.hear('repo', ['snapshots'])
      const { opening, posted } = lockConnections(line.exchanges)
      if (posted !== opening) postedElsewhere++
    }
    await asking.dropLocks()
    all.push({ foreignLocks, runs: RUNS_BESIDE_LOCKS, postedElsewhere })
  }
  return all
}

export const measureIdling = async (
  world: World,
  version: ResticVersion,
): Promise<IdleFacts> => {
  const asking = await Asking.open(world, version)
  // A refresh could read it.
  await asking.leaveLocks(1)
  const line = await world.forwarder(asking.server)
  const args = ['-r', line.url('repo'), '--pack-size', '4', 'backup', '--stdin']
  const child = world.restic(version, args, { isStdinOpen: true })
  for (let count = 0; line.all('POST data/').length === 0; count++)
    await child.feed(randomBytes(`${version}/${count}`, MIB))
  await line.quiet()
  const from = line.exchanges.length
  const began = performance.now()
  await delay(IDLE_MS)
  const until = line.exchanges.length
  const timed = (start: number, end?: number): string =>
    line.exchanges
      .slice(start, end)
      .map((one) => {
        const second = Math.round((one.askedMs - began) / 1000)
        return `${stepOf(one)} (connection ${one.connection}, ${second} s)`
      })
      .join(', ')
  const closings = closingsOf(line)
  child.endInput()
  await child.ended
  return { refresh: timed(from, until), closings, end: timed(until) }
}
