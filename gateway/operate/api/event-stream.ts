/** Follows the journals as server-sent events: each has the cursor as its id, so that none is missed after a break. */
import type { Admin, FindingQuestion } from '../admin/admin.js'
import type { Recordings } from '../admin/following.js'
import type { FoundRecordView } from '../admin/views.js'

export interface EventStreamOptions {
  readonly admin: Admin
  readonly recordings: Recordings
  readonly question: Pick<FindingQuestion, 'repository' | 'client' | 'kinds' | 'cursor'>
  readonly signal: AbortSignal
}

/** A proxy takes a silent connection for dead. */
const heartbeatMs = 20_000
const recordsAtOnce = 200
const retryMs = 3_000

/** Without a cursor it begins with what is recorded from now on. Throws where the question cannot be answered at all. */
export async function eventStream(
  options: EventStreamOptions,
): Promise<AsyncGenerator<string>> {
  const { admin, question } = options
  const { cursor = await newestCursor(admin, question) } = question
  await admin.find({ ...question, cursor, direction: 'forwards', limit: 1 })
  return follow(options, cursor)
}

async function* follow(
  { admin, recordings, question, signal }: EventStreamOptions,
  begin: string | undefined,
): AsyncGenerator<string> {
  let cursor = begin
  const growth = new Growth(recordings, signal)
  try {
    yield `retry: ${retryMs}\n\n`
    while (!signal.aborted) {
      growth.note()
      const asked = { ...question, cursor, limit: recordsAtOnce }
      const page = await admin.find({ ...asked, direction: 'forwards' })
      if (page.anew) yield 'event: anew\ndata: {}\n\n'
      for (const record of page.records) yield eventOf(record)
      cursor = page.records.at(-1)?.cursor ?? (page.anew ? undefined : cursor)
      if (page.next !== null) continue
      if (!(await growth.next(heartbeatMs))) yield ': still here\n\n'
    }
  } finally {
    growth.close()
  }
}

/** Tells when something was recorded since it was noted last. */
class Growth {
  readonly #signal: AbortSignal
  readonly #unsubscribe: () => void
  #hasGrown = false
  #wake: () => void = () => undefined

  constructor(recordings: Recordings, signal: AbortSignal) {
    this.#signal = signal
    this.#unsubscribe = recordings.subscribe(() => {
      this.#hasGrown = true
      this.#wake()
    })
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** What is recorded from here on counts. */
  note(): void {
    this.#hasGrown = false
  }

  /** False where nothing was recorded for so long. The signal ends the waiting too. */
  async next(ms: number): Promise<boolean> {
    await new Promise<void>((resolve) => {
      const timeout = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timeout)
        resolve()
      }
      if (this.#hasGrown || this.#signal.aborted) this.#wake()
    })
    return this.#hasGrown || this.#signal.aborted
  }

  close(): void {
    this.#unsubscribe()
  }
}

/** Whoever has seen nothing yet need not be told all that ever was. */
async function newestCursor(
  admin: Admin,
  question: EventStreamOptions['question'],
): Promise<string | undefined> {
  const { repository } = question
  const newest = await admin.find({ repository, direction: 'backwards', limit: 1 })
  return newest.records[0]?.cursor
}

function eventOf(record: FoundRecordView): string {
  // JSON has no line feed outside of strings, and none within them.
  return `id: ${record.cursor}\nevent: record\ndata: ${JSON.stringify(record)}\n\n`
}
