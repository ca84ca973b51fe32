/** Tells one target: reads the journals on from where it was, and sends what is due, one at a time. Nobody waits for it. */
import type { Logger } from 'pino'
import type { RepositoryId } from '../../fencing/object.js'
import type { Clock, StoredRecord } from '../../fencing/ports.js'
import { messageOf } from '../program/fault.js'
import type { Message, Notice, Outcome, Sender } from './message.js'
import { noticeOf, type ClientOf } from './noticing.js'
import { readOutbox, writeOutbox } from './outbox-file.js'
import { emptyOutbox, Outbox, type OutboxState } from './outbox.js'

export interface JournalSource {
  readonly repositories: () => Promise<readonly RepositoryId[]>
  /** The position of the last record. */
  readonly head: (repository: RepositoryId) => Promise<number>
  /** What stands after a position, sealed or not. */
  readonly after: (repository: RepositoryId, position: number) => AsyncIterable<StoredRecord>
  readonly clientOf: ClientOf
}

/** What is so now, and is told when it begins. */
export interface Condition {
  readonly key: string
  readonly notice: Notice
}

export interface TargetOptions {
  readonly sender: Sender
  readonly file: string
  readonly source: JournalSource
  readonly clock: Clock
  readonly logger: Logger
  readonly digestMs: number
  readonly makeId: () => string
  readonly random: () => number
}

const conditionsMax = 1_000

export class Target {
  readonly #options: TargetOptions
  readonly #grown = new Set<RepositoryId>()
  /** Those that could not be read; tried again now and then. */
  #unread: RepositoryId[] = []
  #outbox: Outbox | undefined
  #isUnsaved = false
  #wake = (): void => undefined
  #begin = (): void => undefined
  /** Resolves once it knows from where on it tells. */
  readonly begun = new Promise<void>((resolve) => (this.#begin = resolve))

  constructor(options: TargetOptions) {
    this.#options = options
  }

  get sender(): Sender {
    return this.#options.sender
  }

  /** The journal of a repository has something new. */
  noteGrowth(repository: RepositoryId): void {
    this.#grown.add(repository)
    this.#wake()
  }

  /** All that is so now: what was not so before is told. Keeps what was read as well. */
  tell(conditions: readonly Condition[]): void {
    const outbox = this.#outbox
    if (outbox === undefined || outbox.state.gone !== null) return
    const wanted = conditions.filter(({ notice }) => this.sender.wants(notice))
    const before = new Set(outbox.state.holding)
    const holding: string[] = []
    for (const { key, notice } of wanted.slice(0, conditionsMax)) {
      if (!before.has(key)) {
        if (outbox.isFull) continue
        outbox.add(notice, this.#options.clock.now())
        this.#isUnsaved = true
      }
      holding.push(key)
    }
    if (holding.length !== before.size) this.#isUnsaved = true
    outbox.state.holding = holding
    for (const repository of this.#unread) this.#grown.add(repository)
    this.#unread = []
    this.#wake()
  }

  /** Sends one message past all that waits. One that arrives takes back what the target said when it wanted nothing. */
  async test(message: Message, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.sender.deliver(message, signal)
    const outbox = this.#outbox
    if (outcome.kind === 'arrived' && outbox !== undefined && outbox.state.gone !== null) {
      outbox.state.cursor = await this.#heads()
      outbox.state.gone = null
      this.#isUnsaved = true
      this.#wake()
    }
    return outcome
  }

  /** Resolves after the signal, with all kept. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake()
    signal.addEventListener('abort', wake)
    const outbox = await this.#open()
    this.#outbox = outbox
    this.#begin()
    for (const repository of await this.#repositories()) this.#grown.add(repository)
    while (!signal.aborted) {
      await this.#collect(outbox, signal)
      const isBusy = await this.#send(outbox, signal)
      if (!isBusy) await this.#pause(outbox, signal)
    }
    signal.removeEventListener('abort', wake)
    await this.#save(outbox)
  }

  /** One that is new is told nothing of what was before it. */
  async #open(): Promise<Outbox> {
    const { sender, file, logger, clock, digestMs, makeId, random } = this.#options
    const { isNewestOnly } = sender
    const read = await readOutbox(file).catch((error: unknown) => {
      logger.error({ target: sender.name, err: error }, 'what was told cannot be read')
      return 'none' as const
    })
    if (read === 'damaged') {
      const told = 'what was told cannot be read: only what happens from now on is told'
      logger.error({ target: sender.name, file }, told)
    }
    const isNew = typeof read === 'string'
    const state: OutboxState = isNew ? emptyOutbox(await this.#heads()) : read
    this.#isUnsaved = isNew
    const outbox = new Outbox(state, { isNewestOnly, digestMs, makeId, random })
    outbox.clamp(clock.now())
    return outbox
  }

  async #heads(): Promise<OutboxState['cursor']> {
    const { source } = this.#options
    const cursor: OutboxState['cursor'] = new Map()
    for (const repository of await this.#repositories()) {
      cursor.set(repository, await source.head(repository).catch(() => 0))
    }
    return cursor
  }

  async #repositories(): Promise<readonly RepositoryId[]> {
    return this.#options.source.repositories().catch((error: unknown) => {
      this.#warn('the journals cannot be read for notification', error)
      return []
    })
  }

  async #collect(outbox: Outbox, signal: AbortSignal): Promise<void> {
    if (outbox.state.gone !== null) {
      this.#grown.clear()
      return
    }
    for (const repository of [...this.#grown]) {
      if (outbox.isFull || signal.aborted) return
      this.#grown.delete(repository)
      try {
        const isWhole = await this.#collectOne(outbox, repository, signal)
        if (!isWhole) this.#grown.add(repository)
      } catch (error) {
        this.#unread.push(repository)
        this.#warn('a journal cannot be read for notification', error)
      }
    }
  }

  /** False where there was no room for all. */
  async #collectOne(
    outbox: Outbox,
    repository: RepositoryId,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { source, clock } = this.#options
    const { state } = outbox
    const noticing = { maintenances: state.maintenances, clientOf: source.clientOf }
    for await (const record of source.after(repository, state.cursor.get(repository) ?? 0)) {
      if (outbox.isFull || signal.aborted) return false
      const notice = noticeOf(noticing, repository, record)
      if (notice !== undefined && this.sender.wants(notice)) outbox.add(notice, clock.now())
      state.cursor.set(repository, record.position)
      this.#isUnsaved = true
    }
    return true
  }

  /** What is sent is kept before: a restart sends it again under the same id. */
  async #send(outbox: Outbox, signal: AbortSignal): Promise<boolean> {
    const { sender, clock, logger } = this.#options
    const message = signal.aborted ? undefined : outbox.take(clock.now())
    if (message !== undefined) this.#isUnsaved = true
    await this.#save(outbox)
    if (message === undefined) return false
    const outcome = await sender.deliver({ ...message }, signal)
    // One that was cut short by the end is sent again at the next start.
    if (signal.aborted && outcome.kind === 'failed') return true
    const about = { target: sender.name, id: message.id, type: message.notice.type }
    const settled = outbox.settle(message, outcome, clock.now())
    this.#isUnsaved = true
    if (outcome.kind === 'arrived') {
      logger.debug(about, 'told')
      return true
    }
    const told = { ...about, tries: message.tries, why: outcome.why }
    if (settled === 'again')
      logger.warn(told, 'a notification did not arrive; it is sent again')
    else if (settled === 'given-up')
      logger.error(told, 'a notification never arrived: given up')
    else
      logger.error(told, 'nothing is sent there any more; "lockkeeper notify test" begins anew')
    return true
  }

  async #pause(outbox: Outbox, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    if (signal.aborted || (this.#grown.size > 0 && !outbox.isFull)) return
    const due = outbox.nextDue()
    if (due !== undefined && due <= clock.now()) return
    await new Promise<void>((resolve) => {
      const cancel = due === undefined ? undefined : clock.timer(due - clock.now(), resolve)
      this.#wake = () => {
        cancel?.()
        resolve()
      }
    })
    this.#wake = () => undefined
  }

  async #save(outbox: Outbox): Promise<void> {
    if (!this.#isUnsaved) return
    this.#isUnsaved = false
    try {
      await writeOutbox(this.#options.file, outbox.state)
    } catch (error) {
      // Better told twice after a restart than not at all.
      this.#warn('what was told cannot be kept', error)
    }
  }

  #warn(what: string, error: unknown): void {
    const { logger, sender } = this.#options
    logger.warn({ target: sender.name, why: messageOf(error) }, what)
  }
}
