/**
 * Knows when each client's last snapshot was committed, by repository: what the journals say, from the beginning. A client
 * is its user, else its address.
 */
import type { Author, Client, JournalEvent, WriterId } from '../../../fencing/journal/event.js'
import { parseEvent } from '../../../fencing/journal/event.js'
import { typeOf, type RepositoryId } from '../../../fencing/object.js'
import { readOne, type WholeJournal } from '../admin/reading.js'

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

  /** Reads what stands in a journal; what is recorded meanwhile is told by `note`. Stops where the signal says so. */
  async read(
    whole: WholeJournal,
    repository: RepositoryId,
    signal: AbortSignal,
  ): Promise<void> {
    const span = { position: 1, time: Number.NEGATIVE_INFINITY }
    for await (const { time, body } of readOne(whole, repository, span)) {
      if (signal.aborted) return
      // Most records are of packs and locks, and not worth being parsed.
      if (!/"kind":"(?:opened|ended)"|"object":"snapshots\//.test(body)) continue
      const event = parseEvent(body)
      if (event !== undefined) this.note(repository, time, event)
    }
  }

  note(repository: RepositoryId, time: number, event: JournalEvent): void {
    const { clients, times } = this.#of(repository)
    if (event.kind === 'opened') clients.set(event.writer, nameOf(event.client))
    // It may be back within the hour; what it then commits is the newest of somebody's all the same.
    if (event.kind === 'ended') clients.delete(event.writer)
    if (event.kind !== 'committed' || typeOf(event.object) !== 'snapshots') return
    const client = clientOf(clients, event.author)
    if (times.size >= clientsMax && !times.has(client)) return
    times.set(client, Math.max(time, times.get(client) ?? 0))
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
