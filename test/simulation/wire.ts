/** What goes over the wire: bodies, and the statuses by which the REST door tells what came of a request. */
import type { ObjectName } from '../../fencing/object.js'
import type { RefusedReason } from '../../gateway/gate/outcome.js'
import type { Mishap, ProcessPlan } from './plan.js'
import { bodySize, digestOfName } from './stores.js'

export type Failure = 400 | 403 | 404 | 503 | 507 | 'lost'

export const statuses: Readonly<Record<RefusedReason, Failure>> = {
  stale: 403,
  conflict: 403,
  unseen: 403,
  ambiguous: 403,
  knocked: 503,
  'wrong-hash': 400,
  exists: 403,
  'append-only': 403,
  'not-allowed': 403,
  linked: 403,
  // Nothing of restic's is.
  'too-large': 400,
  'too-many': 403,
  'no-repository': 403,
  'no-space': 507,
  undecided: 503,
}

/** restic up to 0.16 sends no password where it has none; later ones send an empty one. */
export function constantsOf({ version }: ProcessPlan): string {
  return version === 'old' ? 'without authorization' : 'with authorization'
}

/** A body is the digest of its own name; one that breaks off ends in an error. */
export async function* bodyOf(
  object: ObjectName,
  mishap: Mishap['kind'] | undefined,
): AsyncGenerator<Uint8Array> {
  const body = digestOfName(object).padStart(bodySize, '0')
  // The config alone is not named by its content, so nobody would notice.
  const isGarbled = mishap === 'garbled' && object !== 'config'
  yield Buffer.from(
    isGarbled ? body.replace(/./, (first) => (first === '0' ? '1' : '0')) : body,
  )
  if (mishap === 'broken') throw new Error('the client went away')
}
