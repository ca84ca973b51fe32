/** Knows how journals are followed: first what stands there, then each record as it becomes durable. */
import type { RepositoryId } from '../../../fencing/object.js'
import type { Observer } from '../../program/observed-journal.js'
import { readMany, viewRecord, type Span, type WholeJournal } from './reading.js'
import type { RecordView } from './views.js'

/** Tells everybody who asks of each record, once it is durable. */
export class Recordings {
  readonly #observers = new Set<Observer>()

  readonly observe: Observer = (repository, recorded) => {
    for (const observer of this.#observers) observer(repository, recorded)
  }

  /** The answer ends it. */
  subscribe(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }
}

export interface Following {
  readonly whole: WholeJournal
  readonly recordings: Recordings
  readonly repositories: readonly RepositoryId[]
  readonly isMeant: (repository: RepositoryId) => boolean
  readonly span: Span
  readonly signal: AbortSignal
}

export async function* followJournals(following: Following): AsyncGenerator<RecordView> {
  const { whole, recordings, isMeant, span, signal } = following
  const next = new Map<RepositoryId, number>()
  const spanOf = (repository: RepositoryId): Span => {
    return { ...span, position: next.get(repository) ?? span.position }
  }
  /** Those that have grown since they were read last. */
  let grown = new Set(following.repositories)
  let wake = (): void => undefined
  const unsubscribe = recordings.subscribe((repository) => {
    if (!isMeant(repository)) return
    grown.add(repository)
    wake()
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      const repositories = [...grown].sort()
      grown = new Set()
      for await (const { repository, record } of readMany(whole, repositories, spanOf)) {
        next.set(repository, record.position + 1)
        yield viewRecord(repository, record)
      }
      await new Promise<void>((resolve) => {
        wake = resolve
        if (grown.size > 0 || signal.aborted) resolve()
      })
    }
  } finally {
    unsubscribe()
  }
}
