/** Knows where every blob of a repository lies, and follows its indexes as they come and go. */
import { bytesOfId, type Id } from '../../formats/restic/id.js'
import { loadIndex, type KeyedRepository } from '../../formats/restic/repository.js'
import { BlobCollector, type BlobSegment, type LocatedBlob } from './blob-segment.js'

/** Of more segments one is made, by reading all again. */
const segmentsMax = 12

export class BlobIndex {
  readonly #repository: KeyedRepository
  #segments: readonly BlobSegment[] = []
  #loaded: ReadonlySet<string> = new Set()
  #loading: Promise<void> | undefined

  constructor(repository: KeyedRepository) {
    this.#repository = repository
  }

  get length(): number {
    return this.#segments.reduce((sum, { length }) => sum + length, 0)
  }

  find(id: Id): LocatedBlob | undefined {
    const bytes = bytesOfId(id)
    for (const segment of this.#segments) {
      const found = segment.find(bytes)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Reads the indexes that are new. Those who ask meanwhile wait for the same reading. */
  refresh(): Promise<void> {
    this.#loading ??= this.#refresh().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #refresh(): Promise<void> {
    const names = new Set((await this.#repository.files.list('index')).map(({ id }) => id))
    const isOneGone = [...this.#loaded].some((id) => !names.has(id))
    const added = [...names].filter((id) => !this.#loaded.has(id))
    if (isOneGone || this.#segments.length >= segmentsMax) {
      this.#segments = [await this.#read([...names])]
    } else if (added.length > 0) this.#segments = [await this.#read(added), ...this.#segments]
    this.#loaded = names
  }

  async #read(names: readonly string[]): Promise<BlobSegment> {
    const collector = new BlobCollector()
    for (const name of names) await loadIndex(this.#repository, name, collector)
    return collector.finish()
  }
}
