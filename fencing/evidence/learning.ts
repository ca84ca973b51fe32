/**
 * Decides what each request teaches of who sends it, and of who does not: the one place where evidence is brought to bear.
 * Each kind of evidence is a pure question in a file of its own; what it takes out of a set is recorded.
 */
import type { JournalEvent, WriterId } from '../journal/event.js'
import { typeOf, type ObjectName, type ObjectType } from '../object.js'
import { newSenderId, type Caller, type Context } from '../rules/context.js'
import { isRelyingOnALook, type Deletion } from '../rules/deleting.js'
import { isMaintained, posterOf } from '../state/repository-state.js'
import { isNoReader, mayBeOwn, mayReadLock } from './lock-reading.js'
import { mayAskForContent, mayHaveLooked } from './looking.js'
import { mayMaintain, mayMigrate } from './maintaining.js'
import { hasNotEndedBefore } from './outliving.js'
import { Sender } from './sender.js'
import { mayBeUnlock, mayDeleteLock, mayUnlockOthers } from './unlocking.js'

export interface LearningOptions {
  /** As it stands at the moment of the call. */
  readonly context: () => Context
  /** Records with whatever is recorded next. */
  readonly defer: (events: readonly JournalEvent[]) => void
}

export class Learning {
  readonly #options: LearningOptions

  constructor(options: LearningOptions) {
    this.#options = options
  }

  get #context(): Context {
    return this.#options.context()
  }

  /** Any request. */
  arrived(caller: Caller): void {
    const context = this.#context
    this.#learn(caller.sender, hasNotEndedBefore(context, caller), 'outlived')
    const { only } = caller.sender
    if (only === undefined) return
    for (const exited of context.presence.exitedSenders(only)) {
      this.#learn(exited, (writer) => writer !== only, 'exited')
    }
  }

  /** A list of anything but locks. */
  listed(caller: Caller, type: ObjectType): void {
    this.#worked(caller, type)
  }

  /** One object that is no lock is read, sent or deleted. */
  asked(caller: Caller, type: ObjectType, isChange = false): void {
    if (isContent(type)) {
      this.#learn(caller.sender, mayAskForContent(this.#context), 'asked')
    }
    this.#worked(caller, type, isChange)
  }

  /** A lock is read. */
  lockRead(caller: Caller, lock: ObjectName): void {
    const context = this.#context
    this.#learn(caller.sender, mayReadLock(context, lock), 'lock-read')
    const reader = caller.sender.only
    if (reader === undefined) return
    const poster = mayBeOwn(context, lock) ? undefined : this.#poster(lock)?.current
    for (const other of context.presence.unknownSenders(reader)) {
      if (other === poster || isNoReader(caller.channel, other)) {
        this.#learn(other, (writer) => writer !== reader, 'lock-read')
      }
    }
  }

  /** An upload arrives, whatever becomes of it. */
  uploading(caller: Caller, object: ObjectName): void {
    const { sender } = caller
    const type = typeOf(object)
    if (type === 'locks') {
      sender.current.hasLocked = true
      this.#context.presence.lockArrived(object, sender)
    } else this.asked(caller, type, true)
    const isNaming = type === 'index' || type === 'snapshots'
    if (isNaming) this.#learn(sender, mayHaveLooked(this.#context), 'looked')
    // The config alone is not named by its content.
    if (type !== 'config') this.#join(sender, object)
  }

  /** The deletion of a lock arrives. */
  unlocking(caller: Caller, lock: ObjectName): void {
    const context = this.#context
    const { sender } = caller
    this.#learn(sender, mayDeleteLock(context, caller, lock), 'unlocked')
    const poster = this.#poster(lock)
    if (poster === undefined || poster.current === sender.current) return
    const owners = poster.candidates
    const isOwners = [...sender.candidates].every((id) => {
      return owners.has(id) && (!mayUnlockOthers(sender) || !mayBeUnlock(context, id))
    })
    if (isOwners) this.#unite(sender, poster, 'unlocked')
  }

  /**
   * The deletion of anything else arrives. Whatever fails is taken back too, also by who maintains nothing: what is not
   * there says nothing of its sender.
   */
  deleting(caller: Caller, { object, isPresent }: Deletion): void {
    const { sender } = caller
    this.asked(caller, typeOf(object), isPresent)
    if (!isPresent) return
    const context = this.#context
    if (isRelyingOnALook(object)) this.#learn(sender, mayHaveLooked(context), 'looked')
    if (isMaintained(object)) this.#learn(sender, mayMaintain(context, object), 'maintained')
    if (typeOf(object) === 'config') this.#learn(sender, mayMigrate(context), 'migrated')
  }

  /**
   * The process asks for content or changes something, as a run does only when it has its lock: keys and the config are
   * read before.
   */
  #worked({ sender: { current } }: Caller, type: ObjectType, isChange = false): void {
    const { presence, monotonic, state } = this.#context
    if (isContent(type)) {
      if (!Number.isFinite(current.contentAt)) presence.senders.set(current.id, current)
      current.contentAt = Math.min(current.contentAt, monotonic)
    } else if (!isChange) return
    current.workedAt = state.position
    if (current.only !== undefined) presence.of(current.only).workedAt = state.position
  }

  /** An upload's name is unique to its process, so whoever tried it before is the same. */
  #join(sender: Sender, object: ObjectName): void {
    const { uploaders } = this.#context.presence
    const earlier = uploaders.get(object) ?? this.#poster(object)
    if (earlier !== undefined) this.#unite(sender, earlier, 'same-upload')
    uploaders.set(object, sender)
  }

  /** The sender of an upload that the journal has. */
  #poster(object: ObjectName): Sender | undefined {
    const context = this.#context
    const { state, presence } = context
    const owner = posterOf(state, object)
    if (owner !== undefined) return new Sender(newSenderId(context), [owner])
    const author = state.commits.get(object)?.author
    if (author?.kind !== 'unknown' || author.sender === undefined) return undefined
    const { sender: id, candidates } = author
    const known = presence.senders.get(id)
    if (known !== undefined) return known.current
    const made = new Sender(id, state.senders.get(id)?.candidates ?? candidates)
    presence.senders.set(id, made)
    return made
  }

  /** Evidence takes writers out of what a sender may be. */
  #learn(sender: Sender, remains: (writer: WriterId) => boolean, by: string): void {
    const { current } = sender
    if (current.narrow(remains)) this.#record(current, by)
  }

  #unite(sender: Sender, other: Sender, by: string): void {
    const { current } = sender
    const before = current.candidates.size + other.candidates.size
    if (current.join(other) === 'contradicted') this.#contradict(current)
    else if (before > 2 * current.candidates.size) this.#record(current, by)
  }

  /** A channel that contradicts itself says nothing any more. */
  #contradict(sender: Sender): void {
    const { presence } = this.#context
    presence.contradictions += 1
    for (const channel of [...presence.channels()]) {
      if (channel.sender?.current === sender) presence.mix(channel)
    }
  }

  #record({ ids, all }: Sender, by: string): void {
    const { senders } = this.#context.state
    const events = ids
      .filter((id) => senders.has(id))
      .map((id): JournalEvent => ({ kind: 'narrowed', sender: id, writers: all, by }))
    if (events.length > 0) this.#options.defer(events)
  }
}

function isContent(type: ObjectType): boolean {
  return type !== 'keys' && type !== 'config'
}
