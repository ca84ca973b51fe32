/** A REST door with everything behind it, on a free port of 127.0.0.1, and what is needed to ask it things. */
import { createHash, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { Allowance } from '../../fencing/state/item.js'
import type { ListedType, ObjectName } from '../../fencing/object.js'
import type { Clock, JournalStore, ObjectStore, Random } from '../../fencing/ports.js'
import { defaultSettings } from '../../fencing/rules/context.js'
import { Fences } from '../../gateway/gate/fences.js'
import { Gate, defaultParking } from '../../gateway/gate/gate.js'
import type { HttpLimits } from '../../gateway/http/limits.js'
import type { HttpServer } from '../../gateway/http/server.js'
import { createDoorServer } from '../../gateway/program/doors.js'
import type { Listening, ListenOptions } from '../../gateway/http/listening.js'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { WatchedStore } from './watched-store.js'

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  running: () => performance.now(),
  timer: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

export const realRandom: Random = { hex: (bytes) => randomBytes(bytes).toString('hex') }

export interface GateOptions {
  readonly store?: ObjectStore
  readonly journal?: JournalStore
  readonly clock?: Clock
  readonly parkMs?: number
  readonly parkedMax?: number
}

export interface DoorOptions extends GateOptions {
  readonly isAppendOnly?: boolean
  readonly limits?: Partial<HttpLimits>
  readonly logLevel?: 'debug' | 'error'
  /** Further settings of the listener. */
  readonly listener?: Partial<Parameters<typeof createDoorServer>[0]>
  readonly where?: ListenOptions
  /** Hears when the gate is told that a channel has closed. */
  readonly onClosed?: (channelId: string, byClient: boolean) => void
}

export interface GateWithParts {
  readonly gate: Gate
  readonly fences: Fences
  readonly store: ObjectStore
  /** Makes the store fail, and knows what is open in it. */
  readonly watched: WatchedStore
  readonly journal: JournalStore
  /** What the gate has reported as faults of its regular work. */
  readonly faults: unknown[]
}

export function buildGate(options: GateOptions = {}): GateWithParts {
  const { clock = realClock, journal = memoryJournal() } = options
  const watched = new WatchedStore(options.store ?? memoryStore())
  const { store } = watched
  const faults: unknown[] = []
  const fences = new Fences({
    store,
    journal,
    clock,
    random: realRandom,
    settings: defaultSettings,
    allowance: new Allowance(1024 ** 3),
    itemAgeMaxMs: 90 * 24 * 60 * 60_000,
    onFault: (error) => faults.push(error),
  })
  const { parkMs, parkedMax } = { ...defaultParking, ...options }
  const gate = new Gate({ store, fences, random: realRandom, parkMs, parkedMax })
  return { gate, fences, store, watched, journal, faults }
}

export interface Door extends GateWithParts {
  readonly server: HttpServer
  readonly listening: Listening
  readonly port: number
  /** With a slash at its end. */
  readonly url: string
  /** What was logged, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
  readonly close: (graceMs?: number) => Promise<void>
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const parts = buildGate(options)
  const { gate } = parts
  const { clock = realClock, isAppendOnly = false, limits, onClosed } = options
  if (onClosed !== undefined) {
    const closed = gate.closed.bind(gate)
    gate.closed = (id, byClient) => {
      onClosed(id, byClient)
      closed(id, byClient)
    }
  }
  const log: Record<string, unknown>[] = []
  const logger = pino(
    { level: options.logLevel ?? 'debug' },
    { write: (line) => log.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const server = createDoorServer({
    gate,
    clock,
    logger,
    isAppendOnly,
    ...(limits === undefined ? {} : { limits }),
    ...options.listener,
  })
  const listening = await server.listen(options.where ?? { host: '127.0.0.1', port: 0 })
  const { port } = listening
  return {
    ...parts,
    server,
    listening,
    port,
    url: `http://127.0.0.1:${port}/`,
    log,
    close: (graceMs = 0) => server.close(graceMs),
  }
}

/** The name of an object with this content. */
export function nameOf(type: ListedType, content: Uint8Array | string): ObjectName {
  return `${type}/${createHash('sha256').update(content).digest('hex')}` as ObjectName
}
