/**
 * Knows everything that the core's future answers can depend on, as one text that is the same for states that differ
 * only in how they were reached: positions are replaced by their rank (the core only ever compares them), and the
 * random ids of writers and items by what they stand for.
 */
import type { Author, WriterId } from '../../fencing/journal/event.js'
import type { Presence } from '../../fencing/evidence/presence.js'
import type { Sender } from '../../fencing/evidence/sender.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import type { Writer } from '../../fencing/state/writer.js'

type Named = (id: WriterId | undefined) => string

/** `nameOf` says which process of the test a writer is. */
export function pictureOf(fence: RepositoryFence, nameOf: Named): string {
  const positions = new Positions()
  const { state } = fence
  const at = (position: number): Place => positions.at(position)
  const picture = {
    head: at(state.position),
    generation: state.generation,
    writers: sorted(state.writers.values(), (writer) => pictureOfWriter(writer, nameOf, at)),
    locks: sorted(state.locks, ([lock, { position }]) => [lock, at(position)]),
    authored: sorted(state.commits, ([object, commit]) => {
      const { author, position, isAnswered, isStanding, isRepeated } = commit
      const flags = [isAnswered, isStanding, isRepeated === true]
      return [object, authorName(author, nameOf), at(position), flags]
    }),
    senders: sorted(state.senders.values(), (one) => {
      const { candidates, objects, items, lookedAt, listedPacksAt, hasLocked, hasPosted } = one
      const names = candidates.map(nameOf).join(' ')
      const acts = [at(lookedAt), at(listedPacksAt), hasLocked, hasPosted]
      return [`${names} ${[...objects].sort().join(' ')}`, items.size, acts]
    }),
    indexes: [...state.indexes].sort(),
    runs: state.runs.map(({ by, generation, last }) => [nameOf(by), generation, at(last)]),
    commits: sorted(state.lastCommits, ([id, position]) => {
      return [id.startsWith('w-') ? nameOf(id as WriterId) : 'unknown', at(position)]
    }),
    config: state.configDeletedBy && authorName(state.configDeletedBy, nameOf),
    packs: sorted(state.packs, ([pack, position]) => [pack, at(position)]),
    items: sorted(state.items.values(), ({ object, state: itemState, reason, isKept }) => {
      return [object, itemState, reason, isKept, state.openItems.has(object)]
    }),
    passed: sorted(state.passed, ([name, place]) => [name, place]),
    commitsToDo: sorted(state.pendingCommits, ([object, place]) => [object, at(place)]),
    deletionsToDo: sorted(state.pendingDeletions, ([object, place]) => [object, at(place)]),
    presence: pictureOfPresence(fence.presence, nameOf, at),
  }
  positions.becomeRanks()
  return JSON.stringify(picture)
}

/** A position's place in the picture; its rank once all are known. */
type Place = [number]

class Positions {
  readonly #all: Place[] = []

  at(position: number): Place {
    const place: Place = [position]
    this.#all.push(place)
    return place
  }

  becomeRanks(): void {
    this.#all.sort(([one], [other]) => one - other)
    let rank = -1
    let last: number | undefined
    for (const place of this.#all) {
      if (place[0] !== last) rank += 1
      last = place[0]
      place[0] = rank
    }
  }
}

function pictureOfWriter(
  writer: Writer,
  nameOf: Named,
  at: (position: number) => Place,
): unknown[] {
  const { newestLock, maintenance, ended, lastRecorded } = writer
  return [
    nameOf(writer.id),
    writer.tag,
    writer.client,
    writer.generation,
    at(writer.view),
    at(writer.commitView),
    [writer.hasLooked, writer.hasSurelyLooked, writer.hasLocked, writer.hasPosted],
    [...writer.locks].sort(),
    newestLock && [newestLock.object, at(newestLock.position)],
    maintenance && [maintenance.generation, at(maintenance.first), at(maintenance.last)],
    [writer.isBroken, ended && [ended.cause, ended.time, at(ended.position)], lastRecorded],
  ]
}

function pictureOfPresence(
  presence: Presence,
  nameOf: Named,
  at: (position: number) => Place,
): unknown {
  const senderPicture = (sender: Sender): unknown => [
    [...sender.candidates].map(nameOf).sort(),
    sender.isOutOfPatience,
    at(sender.current.workedAt),
  ]
  return {
    startedAt: presence.startedAt,
    writers: sorted(presence.writers, ([id, { workedAt, ...one }]) => {
      return [nameOf(id), at(workedAt), ...Object.values(one).map(String)]
    }),
    channels: sorted(presence.channels(), (one) => {
      const { channel, sender, opened, openedLater, lastRequestPosition, ...rest } = one
      const heard = [at(lastRequestPosition), at(rest.outlived), rest.lastRequestAt]
      const flags = [rest.isMixed, rest.unconfirmed, rest.constants]
      const openings = [opened, ...(openedLater ?? [])].map(nameOf)
      return [channel.id, channel, heard, flags, openings, sender && senderPicture(sender)]
    }),
    uploaders: sorted(presence.uploaders.entries(), ([object, sender]) => [
      object,
      senderPicture(sender),
    ]),
    unlockings: sorted(presence.unlockings.entries(), ([object, { sender, outlived }]) => [
      object,
      senderPicture(sender),
      at(outlived),
    ]),
    patience: sorted(presence.patience.entries(), (entry) => entry),
    locksHeard: sorted(presence.locksHeard, (entry) => entry),
    uploads: sorted(presence.uploads.entries(), (entry) => entry),
    repeated: sorted(presence.repeated.entries(), (entry) => entry),
    triedInVain: sorted(presence.triedInVain.entries(), ([object, place]) => [
      object,
      at(place),
    ]),
  }
}

function authorName(author: Author, nameOf: Named): unknown {
  return author.kind === 'writer' ? nameOf(author.writer) : author.candidates.map(nameOf)
}

/** Each description begins with a name, which alone decides the order. */
function sorted<T>(items: Iterable<T>, describe: (item: T) => unknown[]): unknown[][] {
  const described = Array.from(items, describe)
  if (described.length < 2) return described
  return described.sort((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1))
}
