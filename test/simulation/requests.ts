/** Knows which requests are on their way through the gateway: deletions with whose they are, and uploads. */
import type { ObjectName } from '../../fencing/object.js'
import type { Subject } from './subject.js'

export class Requests {
  readonly #deleting = new Map<ObjectName, Subject[]>()

  readonly #uploading = new Map<ObjectName, number>()

  /** How many uploads of it are on their way: more than one where a copy of a request came beside it. */
  uploading(object: ObjectName): number {
    return this.#uploading.get(object) ?? 0
  }

  uploadBegins(object: ObjectName): void {
    this.#uploading.set(object, this.uploading(object) + 1)
  }

  uploadEnds(object: ObjectName): void {
    this.#uploading.set(object, this.uploading(object) - 1)
  }

  deleting(object: ObjectName): ReadonlySet<Subject> {
    return new Set(this.#deleting.get(object))
  }

  begin(object: ObjectName, subject: Subject): void {
    this.#deleting.set(object, [...(this.#deleting.get(object) ?? []), subject])
  }

  end(object: ObjectName, subject: Subject): void {
    const all = this.#deleting.get(object) ?? []
    const at = all.indexOf(subject)
    this.#deleting.set(object, all.toSpliced(at, at < 0 ? 0 : 1))
  }
}
