/**
 * Knows what becomes of a decision where the gateway only observes: whatever would have been refused or put off is
 * noted with its reason, and carried out.
 *
 * The journal then tells what happened, as it always does, so that nothing has to be undone when refusing begins: a stale
 * writer's index is that writer's commit and a conflict for everybody's maintenance, a deletion overtakes every other
 * view, and who was overtaken stays so. What was let through may have damaged the repository; what comes after the change
 * is judged by the rule.
 */
import { attribute, authorOf, type Attribution } from '../evidence/attribution.js'
import type { Decision } from './decision.js'
import { isRelyingOnALook, remove } from './deleting.js'
import {
  generationAfter,
  type Generation,
  type JournalEvent,
  type Run,
} from '../journal/event.js'
import { typeOf } from '../object.js'
import type { LetThroughReason } from './refusal.js'
import { generationOf, type Attempt } from './refusing.js'
import { isMaintained, type RepositoryState } from '../state/repository-state.js'
import type { Caller, Context } from './context.js'
import { commit } from './uploading.js'

export function letThrough(
  context: Context,
  caller: Caller,
  attempt: Attempt,
  decision: Decision,
): Decision {
  const { verdict } = decision
  if (verdict.kind !== 'refuse' && verdict.kind !== 'knock') return decision
  const attribution = attributionOf(context, caller, attempt)
  const reason = verdict.kind === 'knock' ? 'knocked' : verdict.story.reason
  const run = verdict.kind === 'refuse' ? verdict.story.run : undefined
  const noted = note(context, caller, attempt, attribution, reason, run)
  const { events } =
    attempt.verb === 'upload'
      ? receive(context, attempt, attribution)
      : erase(context, attempt, attribution)
  return { verdict: { kind: 'commit' }, events: [noted, ...events] }
}

function attributionOf(context: Context, caller: Caller, attempt: Attempt): Attribution {
  const { verb, object } = attempt
  if (verb === 'deletion') {
    return attribute(context, caller, { mustHaveLooked: isRelyingOnALook(object) })
  }
  const type = typeOf(object)
  const mustHaveLooked = type === 'index' || type === 'snapshots'
  return attribute(context, caller, { uploaded: object, mustHaveLooked })
}

function note(
  context: Context,
  { client }: Caller,
  { verb, object }: Attempt,
  attribution: Attribution,
  reason: LetThroughReason,
  run: Run | undefined,
): JournalEvent {
  const writer = attribution.writer ?? attribution.candidates[0]
  return {
    kind: 'passed',
    verb,
    object,
    reason,
    author: authorOf(attribution),
    client,
    generation: generationOf(context, writer),
    ...(run === undefined ? {} : { run }),
  }
}

function receive(context: Context, attempt: Attempt, attribution: Attribution): Decision {
  return commit(context, attempt, attribution)
}

function erase(context: Context, { object }: Attempt, attribution: Attribution): Decision {
  const { writer } = attribution
  if (writer !== undefined) return remove(context, object, writer)
  const author = authorOf(attribution)
  const deleted = { kind: 'deleted', object, author, cause: 'request' } as const
  const generation = nobodysGeneration(context.state)
  const events = [isMaintained(object) ? { ...deleted, generation } : deleted]
  return { verdict: { kind: 'commit' }, events }
}

/** Deletions whose author nobody knows are one maintenance until another one, or a fence, comes between them. */
function nobodysGeneration(state: RepositoryState): Generation {
  const newest = state.runs.at(-1)
  const goesOn = newest?.isNobodys === true && newest.generation === state.generation
  return goesOn ? state.generation : generationAfter(state.generation)
}
