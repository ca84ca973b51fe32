/** One process of a client program as it truly is, beside what the gateway makes of it. */
import type { WriterId } from '../../fencing/journal/event.js'
import type { ObjectName } from '../../fencing/object.js'

/** What no view that is taken from now on may rest on, since it is not surely published yet. */
export interface Beside {
  /** How much the history had published before. */
  readonly published: number
  /** Another's commit was recorded, and the journal did not know it as published. */
  readonly isPending: boolean
}

export class Subject {
  readonly name: string
  readonly command: string
  /** Each request says by itself whose it is. */
  readonly isExact: boolean
  /** What it shares with all that its requests may be taken for those of: its user, its tag. */
  readonly identity: string
  /** The writers that the gateway has seen in it: more than one where an answer to its opening got lost. */
  readonly writers = new Set<WriterId>()
  /** The journal's head when its first opening arrived, its last lock before the look, and its first look's answer. */
  openedAt: number | undefined
  lockedAt: number | undefined
  lookedAt: number | undefined
  /** What was on its way to its place when the request arrived that gave it each of these views. */
  openedBeside: Beside | undefined
  lockedBeside: Beside | undefined
  /** Uploads that failed and are being taken back. */
  readonly takingBack = new Set<ObjectName>()
  isUnlocking = false
  isOver = false
  /** It was killed, so nothing says that it is over. */
  isDead = false
  overAt = 0
  /** It may be in a maintenance: a backup never lists `data/`. */
  hasListedData = false
  hasLocked = false
  /** As migrate does, without a lock. */
  hasOpenedAgain = false
  /** It has idled until none of its connections was left. */
  hasLostConnections = false
  /** It deleted its last lock on a connection that had carried nothing else. */
  hasUnlockedAfresh = false
  /** Ended by the gateway while it lived, by a stated limit or by an operator. */
  isGivenUp = false
  knocks = 0
  /** The longest time from a 503 to the final answer, and whether it gave up before. */
  longestMs = 0
  hasGivenUp = false
  /** Its maintenance was refused as *conflict* by the journal, whether or not it heard of it. */
  isBroken = false
  /** Refusals that its history explains, and those that it does not. */
  rightful = 0
  falseAlarms: string[] = []
  writes = 0

  constructor(command: string, id: number, isExact: boolean, identity: string) {
    this.name = `${command} ${id}`
    this.command = command
    this.isExact = isExact
    this.identity = identity
  }
}
