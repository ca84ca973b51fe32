/** Carries out recorded effects on the store, now or after a crash: each step can be repeated. */
import { effectsOf, type Effect } from '../../fencing/state/effect.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import { typeOf, type ObjectName, type RepositoryId } from '../../fencing/object.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import type { Removals } from './removals.js'

/**
 * `removals` may make a removal durable, and settle it, a little later. Answers what was to be published and was removed
 * past the gateway, where its bytes are nowhere.
 */
export async function carryOut(
  store: ObjectStore,
  fence: RepositoryFence,
  recorded: readonly Recorded[],
  removals?: Removals,
): Promise<ObjectName[]> {
  const vanished: ObjectName[] = []
  for (const one of recorded) {
    const effects = effectsOf(one.event)
    if (effects.length === 0) continue
    // What it knows may never have reached the journal: only one that was loaded again knows what is wanted.
    if (fence.failure !== undefined) throw fence.failure
    const isWanted = fence.state.isPending(one.event, one.position)
    if (isWanted && (await removals?.take(fence, one)) === true) continue
    for (const effect of isWanted ? effects : insteadOf(effects)) {
      const gone = await carryOutOne(store, fence.repository, effect)
      if (gone === undefined) continue
      vanished.push(gone)
      await fence.vanished(one)
    }
    await fence.settle(one)
  }
  return vanished
}

/** What is left to do where a later record of the same object has taken this one's place: held bytes go. */
function insteadOf(effects: readonly Effect[]): Effect[] {
  return effects.flatMap((effect): Effect[] => {
    if (effect.kind === 'publish') return [{ kind: 'discard', held: effect.held }]
    return effect.kind === 'remove' ? [] : [effect]
  })
}

/** Answers the object that was to be published, where it is neither held nor at its place. */
async function carryOutOne(
  store: ObjectStore,
  repository: RepositoryId,
  effect: Effect,
): Promise<ObjectName | undefined> {
  switch (effect.kind) {
    case 'publish':
      return publish(store, repository, effect)
    case 'remove':
      if (isIrreplaceable(effect.object)) await store.setAside?.(repository, effect.object)
      await store.remove(repository, effect.object)
      return undefined
    case 'keep':
      await store.keep(repository, effect.staged, effect.item)
      return undefined
    case 'discard':
      await store.discard(repository, effect.held)
      return undefined
  }
}

/** Without its config or its keys nothing of a repository can ever be read again. */
function isIrreplaceable(object: ObjectName): boolean {
  return typeOf(object) === 'config' || typeOf(object) === 'keys'
}

/**
 * The bytes may be at their place already, from before a crash or by another hand; a name is the hash of its content,
 * so it is enough to see that the content is right before the held copy goes.
 */
async function publish(
  store: ObjectStore,
  repository: RepositoryId,
  effect: Extract<Effect, { kind: 'publish' }>,
): Promise<ObjectName | undefined> {
  const { held, object } = effect
  const result = await store.publish(repository, held, object)
  if (result === 'published') return undefined
  const standing = await store.digest(repository, object)
  if (result === 'gone' && standing === undefined) return object
  const isRight = typeOf(object) === 'config' || object.endsWith(`/${standing?.sha256 ?? ''}`)
  if (standing === undefined || !isRight) {
    const what = standing === undefined ? 'is gone' : 'has other content'
    throw new BackendError('corrupt', `"${object}" was recorded as committed, and ${what}`)
  }
  await store.discard(repository, held)
  return undefined
}
