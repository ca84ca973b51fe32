/** Finds records over all journals by repository, client, kind and time. It lags behind nobody: what is recorded is found. */
import { Worker } from 'node:worker_threads'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError, type JournalStore, type StoredRecord } from '../../fencing/ports.js'
import type { SearchMessage, SearchReply } from './messages.js'
import type { Known } from './noting.js'
import type { ClientSnapshots, FoundPlaces, Place, RecordQuestion } from './question.js'

export interface RecordSearchOptions {
  /** Of the search alone; all in it follows from the journals. `:memory:` where nothing can be written. */
  readonly file: string
  readonly journal: JournalStore
}

export interface FoundRecord {
  readonly repository: RepositoryId
  readonly record: StoredRecord
  readonly place: Place
}

export interface RecordPage {
  readonly records: readonly FoundRecord[]
  readonly isMore: boolean
  /** See FoundPlaces. */
  readonly isAnew: boolean
}

interface Pending {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: BackendError) => void
}

/** Of one message to the thread: it answers others between two of them. */
const recordsAtOnce = 1_000
/** Journals that are compared with what is known of them at a time. */
const journalsAtOnce = 32

export class RecordSearch {
  readonly #options: RecordSearchOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #lastId = 0
  #failure: BackendError | undefined
  /** Journals that may have grown since they were noted; undefined until what the file knows was compared with them. */
  #grown: Set<RepositoryId> | undefined
  readonly #known = new Map<string, Known>()
  #round: Promise<void> = Promise.resolve()

  constructor(options: RecordSearchOptions) {
    this.#options = options
  }

  /** To be told of each repository whose journal has grown. */
  noteGrowth(repository: RepositoryId): void {
    this.#grown?.add(repository)
  }

  /** Notes what was recorded up to now. */
  catchUp(): Promise<void> {
    const before = this.#round
    this.#round = before.catch(() => undefined).then(() => this.#catchUp())
    return this.#round
  }

  /** A record that was sealed meanwhile is left out. */
  async find(question: RecordQuestion): Promise<RecordPage> {
    await this.catchUp()
    const places = (await this.#ask({ kind: 'find', question })) as FoundPlaces
    const { found, isMore, isAnew } = places
    const records = await Promise.all(
      found.map(async ({ repository, position, place }) => {
        const [record] = await this.#options.journal.read(repository, position - 1, 1)
        return record?.position === position ? [{ repository, record, place }] : []
      }),
    )
    return { records: records.flat(), isMore, isAnew }
  }

  /** The newest snapshots of each client. */
  async snapshots(repository?: RepositoryId): Promise<readonly ClientSnapshots[]> {
    await this.catchUp()
    return (await this.#ask({ kind: 'snapshots', repository })) as readonly ClientSnapshots[]
  }

  async close(): Promise<void> {
    await this.#round.catch(() => undefined)
    const worker = this.#worker
    if (worker === undefined) return
    await this.#ask({ kind: 'close' }).catch(() => undefined)
    this.#failure ??= new BackendError('unavailable', 'the search is closed')
    await worker.terminate()
  }

  async #catchUp(): Promise<void> {
    this.#grown ??= await this.#compare()
    const repositories = [...this.#grown]
    if (repositories.length === 0) return
    this.#grown = new Set()
    try {
      for (const repository of repositories) await this.#noteOne(repository)
      await this.#ask({ kind: 'end-round' })
    } catch (error) {
      for (const repository of repositories) this.#grown.add(repository)
      throw error
    }
  }

  async #noteOne(repository: RepositoryId): Promise<void> {
    const { journal } = this.#options
    let after = this.#known.get(repository)?.position ?? 0
    for (;;) {
      const records = await journal.read(repository, after, recordsAtOnce)
      const last = records.at(-1)
      if (last === undefined) return
      await this.#ask({ kind: 'note', repository, records })
      after = last.position
      this.#known.set(repository, { repository, position: after, hash: last.hash })
      if (records.length < recordsAtOnce) return
    }
  }

  /** What the file knows must be what the journals say; else it is of another journal, or of an older copy. */
  async #compare(): Promise<Set<RepositoryId>> {
    const { journal } = this.#options
    for (const known of (await this.#ask({ kind: 'known' })) as Known[]) {
      this.#known.set(known.repository, known)
    }
    const repositories = await journal.repositories()
    const names = new Set<string>(repositories)
    const grown = new Set<RepositoryId>()
    let isOfAnother = [...this.#known.keys()].some((name) => !names.has(name))
    const rest = [...repositories]
    const compare = async (): Promise<void> => {
      for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
        const standing = await this.#standingOf(one)
        if (standing === 'other') isOfAnother = true
        if (standing !== 'known') grown.add(one)
      }
    }
    await Promise.all(Array.from({ length: journalsAtOnce }, compare))
    if (!isOfAnother) return grown
    await this.#ask({ kind: 'begin-anew' })
    this.#known.clear()
    return new Set(repositories)
  }

  async #standingOf(repository: RepositoryId): Promise<'known' | 'grown' | 'other'> {
    const { journal } = this.#options
    const known = this.#known.get(repository)
    if (known === undefined) return 'grown'
    const head = await journal.head(repository)
    if (head.position === known.position) return head.hash === known.hash ? 'known' : 'other'
    if (head.position < known.position) return 'other'
    const [record] = await journal.read(repository, known.position - 1, 1)
    // What was sealed meanwhile cannot be compared; the chain goes on from it.
    if (record === undefined || record.position > known.position) return 'grown'
    return record.hash === known.hash ? 'grown' : 'other'
  }

  #ask(message: SearchMessage): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const worker = (this.#worker ??= this.#start())
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ ...message, id })
    })
  }

  #start(): Worker {
    const { file } = this.#options
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { file } })
    worker.on('message', ({ id, answer, fault }: SearchReply) => {
      const pending = this.#pending.get(id)
      this.#pending.delete(id)
      if (this.#pending.size === 0) worker.unref()
      if (fault === undefined) pending?.resolve(answer)
      else pending?.reject(new BackendError('unavailable', `records cannot be found: ${fault}`))
    })
    worker.on('error', (error) => this.#fail(error.message))
    worker.on('exit', () => this.#fail('its thread has ended'))
    return worker
  }

  #fail(why: string): void {
    this.#failure ??= new BackendError('unavailable', `records cannot be found: ${why}`)
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}
