/**
 * Knows when each client's last snapshot was committed, by repository: at a start what the search of records remembers, then
 * what is recorded. A client is its user, else its address.
 */
import type { Author, Client, JournalEvent, WriterId } from '../../../fencing/journal/event.js'
import { typeOf, type RepositoryId } from '../../../fencing/object.js'

export interface LastSnapshot {
  readonly repository: RepositoryId
  readonly client: string
  /** Milliseconds since 1970. */
  readonly time: number
}

/** Of several machines, where nobody knows whose it was. */
const unknownClient = 'unknown'
const clientsMax = 1000

const nameOf = ({ user, address }: Client): string => user ?? address

interface Known {
  readonly clients: Map<WriterId, string>
  readonly times: Map<string, number>
}

export class LastSnapshots {
  readonly #known = new Map<RepositoryId, Known>()

  /** A writer that lives on since before this gateway began. */
  noteWriter(repository: RepositoryId, writer: WriterId, client: Client): void {
    this.#of(repository).clients.set(writer, nameOf(client))
  }

  noteLast(repository: RepositoryId, client: string, time: number): void {
    const { times } = this.#of(repository)
    if (times.size >= clientsMax && !times.has(client)) return
    times.set(client, Math.max(time, times.get(client) ?? 0))
  }

  note(repository: RepositoryId, time: number, event: JournalEvent): void {
    const { clients } = this.#of(repository)
    if (event.kind === 'opened') clients.set(event.writer, nameOf(event.client))
    // It may be back within the hour; what it then commits is the newest of somebody's all the same.
    if (event.kind === 'ended') clients.delete(event.writer)
    if (event.kind !== 'committed' || typeOf(event.object) !== 'snapshots') return
    this.noteLast(repository, clientOf(clients, event.author), time)
  }

  *all(): Generator<LastSnapshot> {
    for (const [repository, { times }] of this.#known) {
      for (const [client, time] of times) yield { repository, client, time }
    }
  }

  #of(repository: RepositoryId): Known {
    const known = this.#known.get(repository) ?? { clients: new Map(), times: new Map() }
    this.#known.set(repository, known)
    return known
  }
}

function clientOf(clients: ReadonlyMap<WriterId, string>, author: Author): string {
  const ids = author.kind === 'writer' ? [author.writer] : author.candidates
  const names = new Set(ids.map((id) => clients.get(id) ?? unknownClient))
  const [name, ...others] = names
  return name === undefined || others.length > 0 ? unknownClient : name
}
