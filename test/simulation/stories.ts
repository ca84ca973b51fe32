/** Model clients that take restic's steps in restic's order (RESTIC.md sections 1 and 4), one request at a time. */
import type { ListedType, ObjectName } from '../../fencing/object.js'
import { data, index, lock, snapshot } from '../fencing/world.js'
import { reachableBlobs, type Contents } from './model.js'

export type Request =
  | { readonly kind: 'open' }
  | { readonly kind: 'list'; readonly type: ListedType }
  | { readonly kind: 'read'; readonly object: ObjectName }
  | { readonly kind: 'post'; readonly object: ObjectName }
  | { readonly kind: 'delete'; readonly object: ObjectName }

/** What the client heard: names, or how it ended; `lost` where no answer came. */
export type Answer = readonly ObjectName[] | 'ok' | 'refused' | 'lost'

/**
 * Yields one request at a time and is handed its answer. It depends on nothing else, so that it can be taken to any
 * point of its story again by handing it the same answers.
 */
export type Story = (contents: Contents, name: string) => Generator<Request, Ending, Answer>
export type Ending = 'finished' | 'stopped'
type Part<T> = Generator<Request, T, Answer>

/** A backup that needs `blobs`: what an index names already is not uploaded again. */
export function backupOf(needed: readonly string[]): Story {
  return function* (contents, name) {
    const blobs = [...needed, `new ${name}`]
    yield* begin(name)
    yield* list('snapshots')
    const known = reachableBlobs(contents, yield* list('index'))
    const pack = data(name)
    contents.packs.set(
      pack,
      blobs.filter((blob) => !known.has(blob)),
    )
    if (!(yield* post(pack))) return 'stopped'
    contents.indexes.set(index(name), [pack])
    if (!(yield* post(index(name)))) return 'stopped'
    contents.snapshots.set(snapshot(name), blobs)
    if (!(yield* post(snapshot(name)))) return 'stopped'
    yield* remove(lock(name))
    return 'finished'
  }
}

/** As a backup, but it lists and reads the others' locks before it posts its own, as restic does. */
export function readerOfLocks(needed: readonly string[]): Story {
  return function* (contents, name) {
    const story = backupOf(needed)(contents, name)
    let next = story.next()
    let hasRead = false
    while (next.done !== true) {
      if (next.value.kind === 'post' && !hasRead) {
        hasRead = true
        for (const foreign of yield* list('locks')) yield { kind: 'read', object: foreign }
      }
      next = story.next(yield next.value)
    }
    return next.value
  }
}

/** Deletes unreferenced packs first, then writes the new index, then deletes the old ones and their packs. */
export const prune: Story = function* (contents, name) {
  yield* begin(name)
  const indexes = yield* list('index')
  const snapshots = yield* list('snapshots')
  const packs = yield* list('data')
  const plan = planOf(contents, indexes, snapshots, packs)
  for (const pack of plan.unreferenced) yield* remove(pack)
  if (plan.garbage.length > 0) {
    contents.indexes.set(index(name), plan.kept)
    if (!(yield* post(index(name)))) return 'stopped'
    for (const old of indexes) if (!(yield* remove(old))) return 'stopped'
    for (const pack of plan.garbage) yield* remove(pack)
  }
  yield* remove(lock(name))
  return 'finished'
}

/** Writes one new index of all packs that stand, and deletes the old ones. */
export const repairIndex: Story = function* (contents, name) {
  yield* begin(name)
  const indexes = yield* list('index')
  contents.indexes.set(index(name), yield* list('data'))
  if (!(yield* post(index(name)))) return 'stopped'
  for (const old of indexes) if (!(yield* remove(old))) return 'stopped'
  yield* remove(lock(name))
  return 'finished'
}

function* begin(name: string): Part<void> {
  while ((yield { kind: 'open' }) === 'lost');
  yield* post(lock(name))
}

function* list(type: ListedType): Part<readonly ObjectName[]> {
  for (;;) {
    const answer = yield { kind: 'list', type }
    if (typeof answer !== 'string') return answer
  }
}

/** After an upload without an answer restic takes the name back, then tries again. */
function* post(object: ObjectName): Part<boolean> {
  for (;;) {
    const answer = yield { kind: 'post', object }
    if (answer !== 'lost') return answer === 'ok'
    yield { kind: 'delete', object }
  }
}

function* remove(object: ObjectName): Part<boolean> {
  for (;;) {
    const answer = yield { kind: 'delete', object }
    if (answer !== 'lost') return answer === 'ok'
  }
}

export function planOf(
  contents: Contents,
  indexes: readonly ObjectName[],
  snapshots: readonly ObjectName[],
  packs: readonly ObjectName[],
): { unreferenced: ObjectName[]; garbage: ObjectName[]; kept: ObjectName[] } {
  const named = new Set(indexes.flatMap((one) => contents.indexes.get(one) ?? []))
  const used = new Set(snapshots.flatMap((one) => contents.snapshots.get(one) ?? []))
  const isUsed = (pack: ObjectName): boolean => {
    return (contents.packs.get(pack) ?? []).some((blob) => used.has(blob))
  }
  return {
    unreferenced: packs.filter((pack) => !named.has(pack)),
    garbage: [...named].filter((pack) => !isUsed(pack)),
    kept: [...named].filter(isUsed),
  }
}
