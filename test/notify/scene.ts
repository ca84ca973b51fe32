/** Journals, a state folder and a clock that only the test moves, for notifiers one after another. */
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { pino } from 'pino'
import type { NotifySettings } from '../../config/notify-settings.js'
import type { JournalEvent } from '../../fencing/journal/event.js'
import type { RepositoryId } from '../../fencing/object.js'
import type { Clock, StoredRecord } from '../../fencing/ports.js'
import { Notifier, type NotifierOptions } from '../../gateway/notify/notifier.js'

export class TestClock implements Clock {
  #now: number
  readonly #timers = new Set<{ readonly at: number; readonly act: () => void }>()
  #changed = (): void => undefined

  constructor(now: number) {
    this.#now = now
  }

  readonly now = (): number => this.#now
  readonly monotonic = (): number => this.#now
  readonly running = (): number => this.#now
  readonly timer = (ms: number, act: () => void): (() => void) => {
    const one = { at: this.#now + ms, act }
    this.#timers.add(one)
    this.#changed()
    return () => this.#timers.delete(one)
  }

  /** Resolves once something waits for so long: from the first figure to the second. */
  async untilWaiting(least: number, most: number): Promise<void> {
    const isThere = (): boolean =>
      [...this.#timers].some(({ at }) => at - this.#now >= least && at - this.#now <= most)
    while (!isThere()) await new Promise<void>((resolve) => (this.#changed = resolve))
  }

  advance(ms: number): void {
    this.#now += ms
    for (const one of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(one)
      one.act()
    }
  }
}

export const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const settingsOf = (some: Partial<NotifySettings>): NotifySettings => ({
  ...{ webhooks: [], mail: undefined, healthchecks: [], overdueMs: undefined },
  digestMs: 600_000,
  ...some,
})

export class Scene {
  readonly clock = new TestClock(Date.now())
  readonly folder: string
  readonly log: string[] = []
  readonly #lines = new EventEmitter()
  readonly #journals = new Map<string, StoredRecord[]>()
  readonly #notifiers = new Set<Notifier>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(t: Pick<ExecutionContext, 'teardown'>): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'lockkeeper-notify-')))
    t.teardown(async () => {
      for (const notifier of scene.#notifiers) await notifier.close()
      await rm(scene.folder, { recursive: true })
    })
    return scene
  }

  /** As after a start of the gateway; resolves once what was before it has been read. */
  async start(
    settings: Partial<NotifySettings>,
    more: Partial<NotifierOptions> = {},
  ): Promise<Notifier> {
    const nothing = async (): Promise<[]> => []
    const notifier = new Notifier({
      settings: settingsOf(settings),
      fileOf: (key) => join(this.folder, 'notify', `${key}.json`),
      source: {
        repositories: async () => [...this.#journals.keys()] as RepositoryId[],
        head: async (repository) => this.#of(repository).length,
        after: (repository, position) => this.#after(repository, position),
        clientOf: (_repository, author) => (author.kind === 'writer' ? 'ann' : undefined),
      },
      conditions: {
        places: [],
        quarantine: () => ({ bytes: 0, bytesMax: 100 }),
        clients: nothing,
        damages: nothing,
      },
      clock: this.clock,
      random: { hex: (bytes) => randomBytes(bytes).toString('hex') },
      logger: pino({ level: 'trace' }, { write: (line: string) => this.#hear(line) }),
      ...more,
    })
    this.#notifiers.add(notifier)
    notifier.start()
    await notifier.begun
    return notifier
  }

  async stop(notifier: Notifier): Promise<void> {
    await notifier.close()
    this.#notifiers.delete(notifier)
  }

  /** Resolves once so many lines of the log say it. */
  async untilLogged(words: string, count = 1): Promise<void> {
    while (this.log.filter((line) => line.includes(words)).length < count) {
      await once(this.#lines, 'line')
    }
  }

  /** Answers its position. */
  record(repository: string, event: Readonly<Record<string, unknown>>): number {
    const journal = this.#of(repository)
    this.#journals.set(repository, journal)
    const position = journal.length + 1
    const [time, hash] = [this.clock.now(), '0'.repeat(64)]
    journal.push({ position, time, hash, body: JSON.stringify(event) })
    const recorded = { position, time, event: event as unknown as JournalEvent }
    for (const one of this.#notifiers) one.observe(repository as RepositoryId, recorded)
    return position
  }

  #hear(line: string): void {
    this.log.push(line)
    this.#lines.emit('line')
  }

  #of(repository: string): StoredRecord[] {
    return this.#journals.get(repository) ?? []
  }

  async *#after(repository: string, position: number): AsyncGenerator<StoredRecord> {
    for (const record of this.#of(repository).slice(position)) yield record
  }
}

const author = { kind: 'writer', writer: 'w-00000001' }
export const refused = (user = 'ann', reason = 'stale'): Readonly<Record<string, unknown>> => ({
  ...{ kind: 'refused', verb: 'upload', object: `index/${'a'.repeat(64)}`, reason, author },
  ...{ client: { user, address: '10.0.0.1' }, generation: 1 },
})
export const committed = (type = 'snapshots'): Readonly<Record<string, unknown>> => ({
  ...{ kind: 'committed', object: `${type}/${'b'.repeat(64)}`, size: 10, author },
  staged: 's-1',
})
export const deleted = (generation: number): Readonly<Record<string, unknown>> => ({
  ...{ kind: 'deleted', object: `index/${'c'.repeat(64)}`, author, cause: 'request' },
  generation,
})
export const ended = { kind: 'ended', writer: 'w-00000001', cause: 'unlocked' }
