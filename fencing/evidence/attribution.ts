/** Knows who is writing: gathers the evidence for a request's author, strongest first (DESIGN.md, "Who is writing?"). */
import { authorMayBe, type Author, type ItemId, type WriterId } from '../journal/event.js'
import { typeOf, type ObjectName } from '../object.js'
import { sureAuthor, type Caller, type Scene } from '../rules/scene.js'
import { fenceOf, type Writer } from '../state/writer.js'

export interface Attribution {
  /** The one sure author, if there is one. */
  readonly writer?: Writer
  /** How it is known; `own-channel` and `tag` are what an ending may rest on. */
  readonly by?: 'tag' | 'name' | 'own-channel' | 'only-candidate'
  /** Those that it may be (the sure one alone where it is known). */
  readonly candidates: readonly Writer[]
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
  scene: Scene,
  caller: Caller,
  question: AttributionQuestion,
): Attribution {
  const candidates = candidatesOf(scene, caller)
  if (caller.tag !== undefined && candidates.length === 1) return sure(candidates[0], 'tag')
  const posted = question.uploaded && posterOf(scene, caller, question.uploaded)
  if (posted !== undefined) return sure(posted, 'name')
  const bound = boundWriter(scene, caller)
  if (bound !== undefined) return sure(bound, 'own-channel')
  const isEligible = (writer: Writer): boolean => !question.mustHaveLooked || writer.hasLooked
  const eligible = candidates.filter(isEligible)
  if (eligible.length === 0) return { candidates: [] }
  const gone = goneSenders(scene, caller, question).filter(isEligible)
  if (eligible.length + gone.length === 1) return sure(eligible[0], 'only-candidate')
  return { candidates: [...eligible, ...gone] }
}

/** Ended or not: a copy of an upload that comes late is not that of whoever else may be writing now. */
function posterOf(scene: Scene, caller: Caller, object: ObjectName): Writer | undefined {
  const { state, presence } = scene
  // The config alone is not named by its content.
  const heard = typeOf(object) === 'config' ? undefined : presence.posters.get(object)
  const id = heard ?? state.posters.get(object) ?? state.lockOwners.get(object)
  const writer = id === undefined ? undefined : state.writers.get(id)
  const isItsOwn =
    writer !== undefined && writer.tag === caller.tag && mayBeUser(caller, writer)
  return isItsOwn ? writer : undefined
}

/** The writer whose channel this is by evidence 3, living or ended. */
export function boundWriter(scene: Scene, caller: Caller): Writer | undefined {
  const binding = caller.channel.binding
  return binding === undefined ? undefined : scene.state.writers.get(binding.writer)
}

/**
 * The writers that a request may come from: not ended, of the tag or the user where there is one, and not born after
 * the channel was opened; who has failed to open on it may have been born on another one since. An address excludes
 * nobody. Who has a tag sends it with every request, so a request without one is not theirs.
 */
export function candidatesOf(scene: Scene, caller: Caller): Writer[] {
  return scene.state.living().filter((writer) => mayBeSender(scene, caller, writer))
}

/**
 * Those that ended while the request was received or held: they may have sent it before. So too where an earlier try
 * failed, was put off or refused: whoever gave up and ended since may have sent that one, and this is a late copy. Of what
 * is in quarantine, or was committed as of an unknown author and has been deleted, the journal knows who may have sent it.
 */
function goneSenders(scene: Scene, caller: Caller, question: AttributionQuestion): Writer[] {
  const { presence, state } = scene
  const { uploaded, deleted } = question
  const tried = uploaded ?? deleted
  const earlier = tried && presence.triedInVain.get(tried)
  const since = Math.min(earlier ?? caller.arrivedAt, caller.arrivedAt)
  const kept = tried && state.items.get(state.openItems.get(tried) ?? ('' as ItemId))?.author
  const committed = uploaded && state.unknownCommits.get(uploaded)
  return [...state.writers.values()].filter((writer) => {
    const { ended, id } = writer
    if (ended === undefined) return false
    const isKnown =
      (kept !== undefined && authorMayBe(kept, id)) || committed?.includes(id) === true
    return (ended.position > since || isKnown) && mayBeSender(scene, caller, writer)
  })
}

/** Living or ended: as far as its tag, its user and the age of the channel say. */
export function mayBeSender(scene: Scene, caller: Caller, writer: Writer): boolean {
  const { channel } = caller.channel
  if (writer.tag !== caller.tag) return false
  if (!mayBeUser(caller, writer)) return false
  const isHidden = channel.isHidden || caller.channel.isShared
  return (
    isHidden ||
    scene.presence.of(writer.id).bornAt <= channel.openedAt ||
    caller.hasFailedToOpen === true ||
    isOwn(caller, writer)
  )
}

function mayBeUser(caller: Caller, writer: Writer): boolean {
  const { user } = caller.client
  return user === undefined || writer.client.user === user || writer.isFromBefore === true
}

function isOwn(caller: Caller, writer: Writer): boolean {
  return caller.channel.binding?.writer === writer.id
}

function sure(writer: Writer | undefined, by: NonNullable<Attribution['by']>): Attribution {
  if (writer === undefined) throw new Error('a sure author must exist')
  return { writer, by, candidates: [writer] }
}

export function authorOf(attribution: Attribution): Author {
  if (attribution.writer !== undefined) return sureAuthor(attribution.writer.id)
  return { kind: 'unknown', candidates: idsOf(attribution.candidates) }
}

export function idsOf(writers: readonly Writer[]): WriterId[] {
  return writers.map((writer) => writer.id)
}

/** True where there are candidates and nothing that any of them changes may be committed. */
export function areAllFenced(scene: Scene, candidates: readonly Writer[]): boolean {
  if (candidates.length === 0) return false
  return candidates.every((writer) => fenceOf(writer, scene.state.runs) !== undefined)
}
