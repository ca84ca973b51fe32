/** Decides how many runs and locks one user may have in a repository: what others ask there costs time for each of them. */
import type { Client } from '../../fencing/journal/event.js'
import { BackendError } from '../../fencing/ports.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import { possiblePosters, posterOf } from '../../fencing/state/repository-state.js'

export interface Shares {
  /** Of one user, or of one address where nobody logs in; 0 is no bound. */
  readonly runsMax: number
  readonly locksMax: number
}

export const noShares: Shares = { runsMax: 0, locksMax: 0 }

/** Throws `too-many` where another run of this client would be more than its share. */
export function requireRoomForRun(
  { state, repository }: RepositoryFence,
  client: Client,
  { runsMax }: Shares,
): void {
  if (runsMax === 0 || state.writers.size < runsMax) return
  let own = 0
  for (const writer of state.writers.values()) {
    if (writer.ended === undefined && isSame(writer.client, client)) own += 1
  }
  if (own < runsMax) return
  throw new BackendError('too-many', `${nameOf(client)} has ${own} runs in "${repository}"`)
}

/** Throws `too-many` where another lock of this client would be more than its share. */
export function requireRoomForLock(
  { state, repository }: RepositoryFence,
  client: Client,
  { locksMax }: Shares,
): void {
  if (locksMax === 0 || state.locks.size < locksMax) return
  let own = 0
  for (const lock of state.locks.keys()) {
    const [poster] = [posterOf(state, lock) ?? [], possiblePosters(state, lock)].flat()
    const writer = poster === undefined ? undefined : state.writers.get(poster)
    if (writer !== undefined && isSame(writer.client, client)) own += 1
  }
  if (own < locksMax) return
  throw new BackendError('too-many', `${nameOf(client)} has ${own} locks in "${repository}"`)
}

function isSame(one: Client, other: Client): boolean {
  return nameOf(one) === nameOf(other)
}

function nameOf({ user, address }: Client): string {
  return user === undefined ? `address ${address}` : `user ${user}`
}
