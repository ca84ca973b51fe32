/** The small sequential model that judges every step of a history by the invariants I1 to I6 of the design. */
import type { Author, JournalEvent, WriterId } from '../../fencing/journal/event.js'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import { defaultSettings } from '../../fencing/rules/context.js'
import type { StoredRecord } from '../../fencing/ports.js'
import { damageOf, type Contents } from './model.js'
import { Publications } from './publications.js'
import { Requests } from './requests.js'
import type { Rightful } from './rightful.js'
import type { Disk, Witness } from './stores.js'
import type { Beside, Subject } from './subject.js'
import type { Time } from './time.js'

interface Deed {
  readonly position: number
  readonly subject: Subject | undefined
  readonly object?: ObjectName
}

/** When the quarantine gives up an item's bytes. */
export const itemAgeMaxMs = 90 * 24 * 60 * 60_000

type Deleted = Extract<JournalEvent, { kind: 'deleted' }>
type Committed = Extract<JournalEvent, { kind: 'committed' }>

export class Judge implements Witness {
  /** What broke an invariant first. */
  violation: string | undefined
  /** What this history came to: rules, reasons, endings, faults. */
  /** Born when nothing could be recorded: its view is what was surely durable then, and may be too old. */
  readonly belated = new Set<WriterId>()
  readonly reached = new Set<string>()
  readonly requests = new Requests()
  /** Hears the story as it unfolds, where somebody wants to read it. */
  tell: ((line: string) => void) | undefined
  /** Judges I7, where the network is gentle. */
  rightful: Rightful | undefined
  /** Whose opening is under way. */
  opening: Subject | undefined
  /** By the name of the request that began it: an opening may be recorded long after it came. */
  readonly openers = new Map<string, Subject>()
  /** A process that was given up (a stated limit) has written again, or the folder was used past the gateway. */
  isBeyondLimits = false
  readonly owners = new Map<ObjectName, Subject>()
  readonly standing = new Map<ObjectName, number>()
  readonly deletedAt = new Map<ObjectName, number>()
  readonly retractedAt = new Map<ObjectName, number>()
  readonly maintenances: Deed[] = []
  readonly commits: Deed[] = []
  /** While a copy of the same upload was on its way, which may be told something else. */
  readonly committedBesideACopy = new Set<ObjectName>()
  /** By an operator, whatever their writers are told. */
  readonly released = new Set<ObjectName>()
  /** What an operator has discarded, or the bounds have taken, of what was refused. */
  readonly discarded = new Set<ObjectName>()
  readonly publishedAt = new Map<ObjectName, number>()
  readonly publications = new Publications()
  /** The item that stands for an object's refused upload, and whether its bytes are kept. */
  readonly items = new Map<
    ObjectName,
    { readonly item: string; readonly isKept: boolean; readonly keptAt: number }
  >()
  readonly #subjects = new Map<WriterId, Subject>()
  readonly #generations = new Map<WriterId, number>()
  /** The positions of all that was committed or released. */
  readonly #uploaded: number[] = []
  readonly #disk: Disk
  readonly #time: Time
  /** When the journal named each writer last, in true time. */
  readonly #recordedAt = new Map<WriterId, number>()
  readonly #contents: Contents
  #generation = 1

  constructor(disk: Disk, contents: Contents, time: Time) {
    this.#disk = disk
    this.#time = time
    this.#contents = contents
  }

  get head(): number {
    return this.#disk.records.length
  }

  blame(what: string): void {
    this.violation ??= what
  }

  subjectOf(writer: WriterId): Subject | undefined {
    return this.#subjects.get(writer)
  }

  published(object: ObjectName): void {
    this.publishedAt.set(object, this.head)
    this.publications.add(object)
    // What was on its way when its deletion was recorded goes once it has arrived.
    const isLeaving = this.#disk.unsettled.has(this.deletedAt.get(object) ?? -1)
    if (!this.standing.has(object) && !isLeaving)
      this.blame(`I6: ${object} was published without a record`)
    this.#lookForDamage(object)
  }

  removed(object: ObjectName): void {
    if (this.standing.has(object))
      this.blame(`I2: ${object} was removed, and stands by the journal`)
    this.#lookForDamage(object)
  }

  /** Somebody else's deletion of an index or a pack after this position. */
  isOvertaken(subject: Subject, since: number): boolean {
    return this.maintenances.some((one) => one.position > since && one.subject !== subject)
  }

  /** Its own deletion of an index or a pack after this position. */
  hasMaintained(subject: Subject, since: number): boolean {
    return this.maintenances.some((one) => one.position > since && one.subject === subject)
  }

  /** Somebody else's index or snapshot after this position; `seen` counts from where it could be listed. */
  isForestalled(subject: Subject, since: number, seen = false): boolean {
    return this.commits.some(({ position, subject: by, object }) => {
      if (by === subject) return false
      const at = seen
        ? (this.publishedAt.get(object ?? ('' as ObjectName)) ?? Infinity)
        : position
      return Math.max(at, position) > since
    })
  }

  /** A view lies before the oldest upload, of a pack too, that is not surely published: whatever came after lies after it. */
  beside(subject: Subject): Beside {
    const oldest = Math.min(...this.#uploaded.filter((one) => this.#disk.unsettled.has(one)))
    const isPending = this.commits.some(({ position, subject: by }) => {
      return by !== subject && position >= oldest
    })
    return { published: this.publications.count, isPending }
  }

  /** Somebody else's index or snapshot was not surely published, or came later, when this view was asked for (rule 1). */
  isPublishedBeside(subject: Subject, { published, isPending }: Beside): boolean {
    return (
      isPending ||
      this.commits.some(({ subject: by, object }) => {
        if (by === subject || object === undefined) return false
        return this.publications.isSince(object, published)
      })
    )
  }

  recorded(record: StoredRecord): void {
    const event = JSON.parse(record.body) as JournalEvent
    const { position } = record
    this.tell?.(`    journal ${position}: ${record.body}`)
    this.reached.add(`event: ${event.kind}`)
    // These wait for the next record, so they say nothing of now.
    const isBelated = event.kind === 'heard' || event.kind === 'revived'
    if (event.kind !== 'ended' && !isBelated) this.#noteHeard(event)
    switch (event.kind) {
      case 'opened':
        if (event.isBelated === true) {
          this.reached.add('an opening recorded belatedly')
          this.belated.add(event.writer)
        }
        this.#open(event.writer, event.isBelated === true ? event.request : undefined)
        if (event.view < position - 1)
          this.reached.add('rule 1: a view before unpublished commits')
        return
      case 'committed':
        this.#uploaded.push(position)
        this.#commit(event, position)
        return
      case 'deleted':
        this.#delete(event, position)
        return
      case 'retracted':
        this.#retract(event.object, event.author, position)
        return
      case 'owned': {
        const owner = this.owners.get(event.lock)
        // An `unlock` that is taken for the owner of one lock is given another, which goes at once.
        const isGoing = [...this.requests.deleting(event.lock)].some((one) => one !== owner)
        if (isGoing) return
        this.#attributed({ kind: 'writer', writer: event.writer }, owner, event.lock)
        return
      }
      case 'ended':
        this.#end(event.writer, event.cause)
        return
      case 'refused':
        this.reached.add(`refused: ${event.reason}, ${event.verb}`)
        if (event.kept !== undefined) this.#keep(event.object, event.kept)
        if (event.reason === 'conflict' && event.author.kind === 'writer') {
          const subject = this.#subjects.get(event.author.writer)
          if (subject !== undefined) subject.isBroken = true
        }
        return
      case 'knocked':
        if (event.kept !== undefined) this.#keep(event.object, event.kept)
        return
      case 'released':
        this.#uploaded.push(position)
        this.standing.set(event.object, position)
        this.released.add(event.object)
        this.items.delete(event.object)
        return
      case 'fenced':
        this.#raise(event.generation)
        this.maintenances.push({ position, subject: undefined })
        return
      case 'outside':
        if (event.generation !== undefined) {
          this.#raise(event.generation)
          this.maintenances.push({ position, subject: undefined })
        }
        for (const object of event.vanished) this.standing.delete(object)
        for (const object of event.appeared) {
          this.standing.set(object, position)
          this.commits.push({ position, subject: undefined, object })
        }
        return
      case 'narrowed':
        return
      case 'discarded':
      case 'evicted':
        for (const [object, { item, keptAt }] of this.items) {
          if (item !== event.item) continue
          if (event.kind === 'evicted' && this.#time.now - keptAt < itemAgeMaxMs)
            this.blame(`${object} was evicted before its time`)
          this.items.delete(object)
          this.discarded.add(object)
        }
        return
      case 'looked':
        if (event.sure) this.reached.add('a sure look')
        else this.reached.add('a look of one of several')
        return
      case 'adopted':
      case 'answered':
      case 'revived':
      case 'heard':
      case 'passed':
      case 'sealed':
        return
    }
  }

  #noteHeard(event: JournalEvent): void {
    const author =
      'author' in event && event.author.kind === 'writer' ? event.author.writer : ''
    const named = 'writer' in event ? event.writer : author
    if (named !== '') this.#recordedAt.set(named, this.#time.now)
  }

  #open(writer: WriterId, belated: string | undefined): void {
    const subject = belated === undefined ? this.opening : this.openers.get(belated)
    if (subject === undefined) {
      this.blame(`nobody opened, and ${writer} was born`)
      return
    }
    subject.writers.add(writer)
    this.#subjects.set(writer, subject)
  }

  #commit(event: Committed, position: number): void {
    const { object, author } = event
    const type = typeOf(object)
    const subject = this.owners.get(object)
    if (this.standing.has(object)) this.blame(`I6: ${object} was committed twice`)
    this.standing.set(object, position)
    if (this.requests.uploading(object) > 1) this.committedBesideACopy.add(object)
    this.items.delete(object)
    if (event.view !== undefined) this.reached.add('rule 1: a lock took the view again')
    if (event.resolves !== undefined) this.reached.add('a knocked upload was committed later')
    this.#attributed(author, subject, object)
    if (type !== 'index' && type !== 'snapshots') return
    if (author.kind === 'unknown') this.reached.add('committed as unknown')
    this.commits.push({ position, subject, object })
    if (subject === undefined || this.isBeyondLimits) return
    if (subject.lookedAt !== undefined && this.isOvertaken(subject, subject.lookedAt)) {
      this.blame(`rule 4: ${subject.name} was overtaken, and its ${object} was committed`)
    }
  }

  #delete(event: Deleted, position: number): void {
    const { object, author, generation } = event
    if (!this.standing.delete(object) && !this.isBeyondLimits)
      this.blame(`I6: ${object} was deleted, and did not stand`)
    this.deletedAt.set(object, position)
    if (event.cause !== 'request')
      return void this.reached.add(`a lock deleted: ${event.cause}`)
    const type = typeOf(object)
    if (type === 'locks') return
    const subject = this.#requester(object, author)
    this.#attributed(author, subject, `the deletion of ${object}`)
    const isMaintenance = type === 'index' || type === 'data'
    if (isMaintenance) {
      this.#countGeneration(author, generation)
      this.maintenances.push({ position, subject, object })
    }
    const since = subject?.lookedAt
    if (subject === undefined || since === undefined || this.isBeyondLimits) return
    if (this.isOvertaken(subject, since)) {
      this.blame(`rule 5: ${subject.name} was overtaken, and deleted ${object}`)
    }
    if (isMaintenance && this.isForestalled(subject, since)) {
      this.blame(
        `rule 3: the repository changed under ${subject.name}, and it deleted ${object}`,
      )
    }
  }

  #requester(object: ObjectName, author: Author): Subject | undefined {
    const requesters = this.requests.deleting(object)
    if (requesters.size === 0) this.blame(`I6: ${object} was deleted, and nobody had asked`)
    const credited = author.kind === 'writer' ? this.#subjects.get(author.writer) : undefined
    if (credited !== undefined && requesters.has(credited)) return credited
    const ids = author.kind === 'unknown' ? author.candidates : []
    // Several may ask at once, and one whose gateway died still may.
    const meant = [...requesters].find(({ writers }) => ids.some((id) => writers.has(id)))
    return meant ?? [...requesters][0]
  }

  /** Rule 8: what is answered as taken back must be the deleter's own failed upload; a pack is left where it is. */
  #retract(object: ObjectName, author: Author, position: number): void {
    this.retractedAt.set(object, position)
    this.reached.add(`rule 8: retracted, ${typeOf(object)}`)
    if (typeOf(object) === 'data' || this.isBeyondLimits) return
    const subject = this.#requester(object, author)
    this.#attributed(author, subject, `the retraction of ${object}`)
    const isOwn = subject !== undefined && this.owners.get(object) === subject
    if (isOwn && !subject.takingBack.has(object)) {
      // Allowed by the rule: its answer was never surely heard of, and what stays is sound.
      this.reached.add('rule 8: an own object stayed that was to go')
    }
    if (!isOwn) {
      this.blame(
        `rule 8: the deletion of ${object} by ${subject?.name ?? '?'} was only pretended`,
      )
    }
  }

  /** A sure author must be the true one, and an unknown one must be among the candidates. */
  #attributed(author: Author, subject: Subject | undefined, what: string): void {
    if (subject === undefined || this.isBeyondLimits) return
    const isHarmless = /^(locks|data|keys|config)/.test(what)
    if (author.kind === 'writer') {
      if (subject.writers.has(author.writer)) return
      // What comes after its run has ended may be taken for that of the only one at work, where that harms nothing.
      if (isHarmless && subject.isOver) return void this.reached.add('a late pack or lock')
      const credited = this.#subjects.get(author.writer)?.name ?? author.writer
      this.blame(`${what} is ${subject.name}'s, and was credited to ${credited}`)
      return
    }
    if (isHarmless || author.candidates.some((id) => subject.writers.has(id))) return
    this.blame(`${what} is ${subject.name}'s, who was not among the candidates`)
  }

  #end(writer: WriterId, cause: string): void {
    const subject = this.#subjects.get(writer)
    this.reached.add(`ended: ${cause}`)
    if (subject === undefined || this.isBeyondLimits) return
    const silentMs = this.#time.now - (this.#recordedAt.get(writer) ?? 0)
    if (cause === 'silence' && silentMs < defaultSettings.writerAgeMaxMs) {
      this.blame(`${subject.name} was heard of ${silentMs} ms ago, and was taken for silent`)
      return
    }
    if (cause === 'operator' || cause === 'silence') {
      subject.isGivenUp = true
      if (!subject.isOver) this.isBeyondLimits = true
      return
    }
    if (subject.isExact && subject.writers.size === 1 && !subject.isUnlocking) {
      // A late copy under a tag: any later request of the run says that it lives.
      this.reached.add('a run with a tag was taken for ended')
      return
    }
    const isRight =
      cause === 'unlocked' ? subject.isUnlocking || subject.isOver : subject.isOver
    if (!isRight) this.blame(`${subject.name} lives, and was taken for ended (${cause})`)
  }

  #keep(object: ObjectName, kept: { item: string; staged?: string }): void {
    const known = this.items.get(object)
    if (known !== undefined) return
    if (kept.staged === undefined) this.reached.add('the quarantine was full')
    const keptAt = this.#time.now
    this.items.set(object, { item: kept.item, isKept: kept.staged !== undefined, keptAt })
  }

  /** I5: one writer's maintenance has one generation, one above the last. */
  #countGeneration(author: Author, generation: number | undefined): void {
    if (author.kind !== 'writer' || generation === undefined) {
      this.blame('I5: a maintenance without a sure author or a generation')
      return
    }
    const known = this.#generations.get(author.writer)
    if (known !== undefined) {
      if (known !== generation) this.blame(`I5: one maintenance has two generations`)
      return
    }
    this.#generations.set(author.writer, generation)
    this.#raise(generation)
  }

  #raise(generation: number): void {
    if (generation !== this.#generation + 1) {
      this.blame(`I5: the generation went from ${this.#generation} to ${generation}`)
    }
    this.#generation = generation
    this.reached.add('the generation rose')
  }

  #lookForDamage(object: ObjectName): void {
    if (this.violation !== undefined || this.isBeyondLimits) return
    if (!/^(index|snapshots|data)/.test(object)) return
    const damage = damageOf(this.#contents, new Set(this.#disk.objects.keys()))
    if (damage !== undefined) this.blame(`I1: ${damage}`)
  }
}
