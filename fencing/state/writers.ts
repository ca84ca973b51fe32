/** Keeps the writers of a repository, and finds those under one tag without asking all the others. */
import type { WriterId } from '../journal/event.js'
import type { Writer } from './writer.js'

export class Writers extends Map<WriterId, Writer> {
  readonly #byTag = new Map<string | undefined, Map<WriterId, Writer>>()

  override set(id: WriterId, writer: Writer): this {
    const { tag } = writer
    const tagged = this.#byTag.get(tag) ?? new Map<WriterId, Writer>()
    this.#byTag.set(tag, tagged.set(id, writer))
    return super.set(id, writer)
  }

  override delete(id: WriterId): boolean {
    const tag = this.get(id)?.tag
    const tagged = this.#byTag.get(tag)
    tagged?.delete(id)
    if (tagged?.size === 0) this.#byTag.delete(tag)
    return super.delete(id)
  }

  /** In the order of their births, ended or not; undefined for those that have no tag. */
  tagged(tag: string | undefined): Iterable<Writer> {
    return this.#byTag.get(tag)?.values() ?? []
  }
}
