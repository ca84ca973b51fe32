/** Decides which writers a request may come from: its sender's set, with those that may have sent a late copy. */
import {
  authorMayBe,
  type Author,
  type ItemId,
  type SenderId,
  type WriterId,
} from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import { sureAuthor, type Caller, type Context } from '../rules/context.js'
import { posterOf, possiblePosters } from '../state/repository-state.js'
import { fenceOf, type Writer } from '../state/writer.js'
import { mayBeSender } from './constants.js'

export interface Attribution {
  /** The one sure author, if there is one. */
  readonly writer?: Writer
  /** How it is known; `own-channel` and `tag` are what an ending may rest on. */
  readonly by?: 'tag' | 'name' | 'own-channel' | 'only-candidate'
  /** The writers that it may be (the sure one alone where it is known). */
  readonly candidates: readonly Writer[]
  /** What is learnt later of the request's sender narrows the candidates too. */
  readonly sender?: SenderId
}

export interface AttributionQuestion {
  /** The name of an upload; names in deletions say nothing of their sender. */
  readonly uploaded?: ObjectName
  /** What a deletion names: whoever tried the same before and has ended since may have sent it. */
  readonly deleted?: ObjectName
  /** Indexes, snapshots and deletions come from writers that have looked. */
  readonly mustHaveLooked: boolean
}

export function attribute(
  context: Context,
  caller: Caller,
  question: AttributionQuestion,
): Attribution {
  const living = livingCandidates(context, caller)
  if (caller.tag !== undefined && living.length === 1) return sure(living[0], 'tag')
  const posted = question.uploaded && knownPoster(context, caller, question.uploaded)
  if (posted !== undefined) return sure(posted, 'name')
  const own = ownWriter(context, caller)
  if (own !== undefined) return sure(own, 'own-channel')
  const isEligible = (writer: Writer): boolean => !question.mustHaveLooked || writer.hasLooked
  const eligible = living.filter(isEligible)
  const gone = goneSenders(context, caller, question).filter(isEligible)
  if (eligible.length === 1 && gone.length === 0) return sure(eligible[0], 'only-candidate')
  const { sender } = caller
  const isWhole = gone.every(({ id }) => sender.mayBe(id)) && isKept(caller)
  return { candidates: [...eligible, ...gone], ...(isWhole ? { sender: sender.id } : {}) }
}

/** Whether later requests on the channel tell more of the same sender. */
function isKept({ channel, sender }: Caller): boolean {
  return channel.sender?.current === sender.current
}

/** Ended or not: a copy of an upload that comes late is not that of whoever else may be writing now. */
function knownPoster(context: Context, caller: Caller, object: ObjectName): Writer | undefined {
  const { state, presence } = context
  // The config alone is not named by its content.
  if (typeOf(object) === 'config') return undefined
  const id = presence.uploaders.get(object)?.only ?? posterOf(state, object)
  const writer = id === undefined ? undefined : state.writers.get(id)
  return writer !== undefined && isOfSameUser(caller, writer) ? writer : undefined
}

function isOfSameUser({ tag, client: { user } }: Caller, writer: Writer): boolean {
  if (writer.tag !== tag) return false
  return user === undefined || writer.client.user === user || writer.isFromBefore === true
}

/** The one writer that is left of its sender's set, living or ended. */
export function ownWriter(context: Context, { sender }: Caller): Writer | undefined {
  const { only } = sender
  return only === undefined ? undefined : context.state.writers.get(only)
}

/** The writers that a request may come from and that have not ended. */
export function livingCandidates(context: Context, { sender }: Caller): Writer[] {
  const writers: Writer[] = []
  for (const id of sender.candidates) {
    const writer = context.state.writers.get(id)
    if (writer !== undefined && writer.ended === undefined) writers.push(writer)
  }
  return writers
}

/**
 * Those that ended while the request was received or held: they may have sent it before. So too where an earlier try
 * failed, was put off or refused: whoever gave up and ended since may have sent that one, and this is a late copy. Of what
 * is in quarantine, or was committed as of an unknown author and has been deleted, the journal knows who may have sent it.
 */
function goneSenders(
  context: Context,
  caller: Caller,
  question: AttributionQuestion,
): Writer[] {
  const { presence, state } = context
  const { uploaded, deleted } = question
  const tried = uploaded ?? deleted
  const earlier = tried && presence.triedInVain.get(tried)
  const since = Math.min(earlier ?? caller.arrivedAt, caller.arrivedAt)
  const kept = tried && state.items.get(state.openItems.get(tried) ?? ('' as ItemId))?.author
  const committed = uploaded && possiblePosters(state, uploaded)
  return [...state.writers.tagged(caller.tag)].filter((writer) => {
    const { ended, id } = writer
    if (ended === undefined) return false
    const isKnown =
      (kept !== undefined && authorMayBe(kept, id)) || committed?.includes(id) === true
    return (ended.position > since || isKnown) && mayBeSender(context, caller, writer)
  })
}

function sure(writer: Writer | undefined, by: NonNullable<Attribution['by']>): Attribution {
  if (writer === undefined) throw new Error('a sure author must exist')
  return { writer, by, candidates: [writer] }
}

export function authorOf({ writer, candidates, sender }: Attribution): Author {
  if (writer !== undefined) return sureAuthor(writer.id)
  const named = sender === undefined ? {} : { sender }
  return { kind: 'unknown', candidates: idsOf(candidates), ...named }
}

export function idsOf(writers: readonly Writer[]): WriterId[] {
  return writers.map((writer) => writer.id)
}

/** True where there are candidates and nothing that any of them changes may be committed. */
export function areAllFenced(context: Context, candidates: readonly Writer[]): boolean {
  if (candidates.length === 0) return false
  return candidates.every((writer) => fenceOf(writer, context.state.runs) !== undefined)
}
