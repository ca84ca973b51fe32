/** Knows which deletions are on their way through the gateway, and whose they are. */
import type { ObjectName } from '../../fencing/object.js'
import type { Subject } from './subject.js'

export class Requests {
  readonly #deleting = new Map<ObjectName, Subject[]>()

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
