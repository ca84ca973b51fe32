/** Decides what a recorded event still has to do to the store. Each effect can be repeated after a crash. */
import type { ItemId, JournalEvent } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { Held } from '../ports.js'

export type Effect =
  | { readonly kind: 'publish'; readonly held: Held; readonly object: ObjectName }
  | { readonly kind: 'remove'; readonly object: ObjectName }
  | { readonly kind: 'keep'; readonly staged: string; readonly item: ItemId }
  | { readonly kind: 'discard'; readonly held: Held }

/** In the order in which they are to be carried out. */
export function effectsOf(event: JournalEvent): Effect[] {
  switch (event.kind) {
    case 'committed': {
      const { object, staged, resolves } = event
      const publish: Effect = { kind: 'publish', held: { area: 'staging', id: staged }, object }
      return resolves === undefined ? [publish] : [publish, discardItem(resolves)]
    }
    case 'deleted':
      return [{ kind: 'remove', object: event.object }]
    case 'refused':
    case 'knocked': {
      const staged = event.kept?.staged
      if (event.kept === undefined || staged === undefined) return []
      return [{ kind: 'keep', staged, item: event.kept.item }]
    }
    case 'released': {
      const held: Held = { area: 'quarantine', id: event.item }
      return [{ kind: 'publish', held, object: event.object }]
    }
    case 'discarded':
    case 'evicted':
      return [discardItem(event.item)]
    case 'adopted':
    case 'opened':
    case 'looked':
    case 'narrowed':
    case 'owned':
    case 'answered':
    case 'retracted':
    case 'passed':
    case 'ended':
    case 'revived':
    case 'heard':
    case 'outside':
    case 'fenced':
    case 'sealed':
      return []
  }
}

function discardItem(item: ItemId): Effect {
  return { kind: 'discard', held: { area: 'quarantine', id: item } }
}
