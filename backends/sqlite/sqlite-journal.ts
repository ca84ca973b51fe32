/** Speaks with the journal's thread: a question goes out, its reply settles a promise. */
import { Worker } from 'node:worker_threads'
import type { RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type HeardNote,
  type JournalBase,
  type JournalBatch,
  type JournalHead,
  type JournalStore,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'
import { heardFault } from './faults.js'
import type { Answer, Ask, QuestionKind, Reply } from './messages.js'

export interface SqliteJournalOptions {
  /** Is made where there is none; its folder must stand. */
  readonly file: string
  /** A file that is given up, part by part, where there is no room for what is appended. */
  readonly reserve?: string
}

/**
 * Opens the journal in a file; nobody else can open it meanwhile. Throws `corrupt` for a damaged file, `newer-state` for
 * one of a newer version, `locked` while another process has it. A fault that is found later is thrown by the calls.
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<JournalStore> {
  const journal = new SqliteJournal(options)
  await journal.opened
  return journal
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: BackendError) => void
}

class SqliteJournal implements JournalStore {
  readonly opened: Promise<unknown>
  readonly #file: string
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #ended: Promise<void>
  #lastId = 0
  #failure: BackendError | undefined
  #closing: Promise<void> | undefined

  constructor(options: SqliteJournalOptions) {
    this.#file = options.file
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: options })
    this.opened = new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve, reject })
    })
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#fail('has failed', error))
    this.#worker.on('messageerror', (error) => this.#fail('has failed', error))
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail('has ended')
        resolve()
      })
    })
  }

  repositories(): Promise<RepositoryId[]> {
    return this.#ask({ kind: 'repositories' })
  }

  head(repository: RepositoryId): Promise<JournalHead> {
    return this.#ask({ kind: 'head', repository })
  }

  read(repository: RepositoryId, after: number, limit: number): Promise<StoredRecord[]> {
    return this.#ask({ kind: 'read', repository, after, limit })
  }

  unsettled(repository: RepositoryId): Promise<number[]> {
    return this.#ask({ kind: 'unsettled', repository })
  }

  append(batch: JournalBatch): Promise<void> {
    return this.#ask({ kind: 'append', batch })
  }

  /** Asks and does not wait: whatever is asked later sees it. */
  async settle(repository: RepositoryId, positions: readonly number[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#lastId += 1
    this.#worker.postMessage({ id: this.#lastId, kind: 'settle', repository, positions })
  }

  base(repository: RepositoryId): Promise<JournalBase | undefined> {
    return this.#ask({ kind: 'base', repository })
  }

  rebase(
    repository: RepositoryId,
    base: JournalBase,
    over: readonly string[] = [],
  ): Promise<void> {
    return this.#ask({ kind: 'rebase', repository, base, over })
  }

  tries(repository: RepositoryId): Promise<TriesNote[]> {
    return this.#ask({ kind: 'tries', repository })
  }

  noteTries(repository: RepositoryId, note: TriesNote): Promise<void> {
    return this.#ask({ kind: 'noteTries', repository, note })
  }

  heard(repository: RepositoryId): Promise<HeardNote[]> {
    return this.#ask({ kind: 'heard', repository })
  }

  noteHeard(repository: RepositoryId, notes: readonly HeardNote[]): Promise<void> {
    return this.#ask({ kind: 'noteHeard', repository, notes })
  }

  /** Everything that was asked before is carried out and durable when it resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#failure === undefined) {
      const closed = this.#ask({ kind: 'close' })
      this.#failure = new BackendError('unavailable', `the journal "${this.#file}" is closed`)
      await closed.finally(() => this.#ended)
    }
    await this.#ended
  }

  #ask<K extends QuestionKind>(question: Ask<K>): Promise<Answer<K>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#lastId += 1
    const id = this.#lastId
    return new Promise<Answer<K>>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject })
      this.#worker.ref()
      this.#worker.postMessage({ ...question, id })
    })
  }

  #settle({ id, answer, fault }: Reply): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.#pending.delete(id)
    // A journal that nobody waits for keeps no program from ending.
    if (this.#pending.size === 0 && this.#closing === undefined) this.#worker.unref()
    if (fault === undefined) pending.resolve(answer)
    else pending.reject(heardFault(fault))
  }

  #fail(what: string, cause?: unknown): void {
    const words = `the thread of the journal "${this.#file}" ${what}`
    const detail = cause instanceof Error ? `: ${cause.message}` : ''
    this.#failure ??= new BackendError('unavailable', `${words}${detail}`, { cause })
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}
