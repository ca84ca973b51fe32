/** Keeps all targets told of what happens, each on its own, and sends them tests. */
import type { Logger } from 'pino'
import type { RepositoryId } from '../../fencing/object.js'
import type { Clock, Random } from '../../fencing/ports.js'
import type { NotifySettings } from '../../config/notify-settings.js'
import type { Observer } from '../program/observed-journal.js'
import { messageOf } from '../program/fault.js'
import { testSentence } from '../operate/words/condition-sentence.js'
import type { NotifyTestView } from '../operate/admin/views.js'
import { conditionsOf, type ConditionSources } from './conditions.js'
import { healthchecksSender } from './healthchecks.js'
import { mailSender } from './mail.js'
import type { Sender } from './message.js'
import { mayMatter } from './noticing.js'
import { Target, type JournalSource } from './target.js'
import { webhookSender } from './webhook.js'

export interface NotifierOptions {
  readonly settings: NotifySettings
  /** Where a target's file lies. */
  readonly fileOf: (key: string) => string
  readonly source: JournalSource
  readonly conditions: Omit<ConditionSources, 'overdueMs' | 'now'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly timeoutMs?: number
}

const timeoutUsualMs = 15_000
const lookEveryMs = 60_000

export class Notifier {
  readonly #options: NotifierOptions
  readonly #targets: readonly Target[]
  readonly #ending = new AbortController()
  #running: readonly Promise<void>[] = []
  #testing: Promise<NotifyTestView[]> | undefined

  constructor(options: NotifierOptions) {
    this.#options = options
    const { settings, fileOf, source, clock, random, logger } = options
    const senders = sendersOf(settings, clock, options.timeoutMs ?? timeoutUsualMs)
    // Said twice, it is one target.
    const distinct = new Map(senders.map((sender) => [sender.key, sender]))
    this.#targets = [...distinct.values()].map((sender) => {
      const file = fileOf(sender.key)
      const dice = {
        makeId: () => random.hex(12),
        random: () => Number.parseInt(random.hex(4), 16) / 2 ** 32,
      }
      const { digestMs } = settings
      return new Target({ sender, file, source, clock, logger, digestMs, ...dice })
    })
  }

  /** To be told of each record; costs nothing but a note. */
  readonly observe: Observer = (repository: RepositoryId, { event }) => {
    if (!mayMatter(event)) return
    for (const target of this.#targets) target.noteGrowth(repository)
  }

  start(): void {
    const { signal } = this.#ending
    this.#running = this.#targets.map((target) => target.run(signal))
    // Not waited for at the end: a disk that hangs may hold it up, and it keeps nothing.
    void this.#lookNowAndThen(signal)
  }

  /** Resolves once each target knows from where on it tells. */
  get begun(): Promise<unknown> {
    return Promise.all(this.#targets.map(({ begun }) => begun))
  }

  /** Resolves when all is kept that was told. */
  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#running)
  }

  /** All at once; whoever asks meanwhile hears the same. */
  test(): Promise<NotifyTestView[]> {
    this.#testing ??= this.#test().finally(() => (this.#testing = undefined))
    return this.#testing
  }

  async #test(): Promise<NotifyTestView[]> {
    const { clock, random } = this.#options
    const time = clock.now()
    return Promise.all(
      this.#targets.map(async (target) => {
        const notice = {
          ...({ type: 'notify.test', repository: null, client: null } as const),
          ...{ sentence: testSentence, time, position: null },
        }
        const id = `msg_${random.hex(12)}`
        const message = { id, notice, count: 1, since: time, dueAt: time, tries: 1 }
        const outcome = await target.test(message, this.#ending.signal)
        const isArrived = outcome.kind === 'arrived'
        const { name } = target.sender
        return { target: name, arrived: isArrived, why: isArrived ? null : outcome.why }
      }),
    )
  }

  async #lookNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, conditions, settings, logger } = this.#options
    const { overdueMs } = settings
    const onFault = (error: unknown): void => {
      if (signal.aborted) return
      logger.warn({ why: messageOf(error) }, 'something cannot be looked at for notification')
    }
    for (;;) {
      await pause(clock, lookEveryMs, signal)
      if (signal.aborted) return
      const found = await conditionsOf({ ...conditions, now: clock.now, overdueMs }, onFault)
      for (const target of this.#targets) target.tell(found)
    }
  }
}

function sendersOf(settings: NotifySettings, { now }: Clock, timeoutMs: number): Sender[] {
  const options = { now, timeoutMs }
  const { webhooks, mail, healthchecks } = settings
  return [
    ...webhooks.map((each, at) => webhookSender(each, at, options)),
    ...(mail === undefined ? [] : [mailSender(mail, options)]),
    ...healthchecks.map((each, at) => healthchecksSender(each, at, options)),
  ]
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const cancel = clock.timer(ms, () => {
      signal.removeEventListener('abort', end)
      resolve()
    })
    const end = (): void => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}
