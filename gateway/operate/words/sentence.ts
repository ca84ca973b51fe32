/** Tells each kind of event in one sentence: the same in the log, on the command line, in the API and on pages. */
import {
  describeClient,
  type Author,
  type JournalEvent,
  type ReadProof,
  type Run,
} from '../../../fencing/journal/event.js'
import { shortObject } from './short-object.js'

/** What clients call themselves stands in it as it is: whoever shows it escapes it. */
export function sentenceOf(event: JournalEvent): string {
  switch (event.kind) {
    case 'adopted': {
      const what = `${count(event.locks.length, 'lock')} and ${count(event.indexes.length, 'index', 'indexes')}`
      return `the repository came under this gateway with ${what}`
    }
    case 'opened': {
      const tag = event.tag === undefined ? '' : `, tag ${event.tag}`
      return `${event.writer} began, from ${describeClient(event.client)}${tag}`
    }
    case 'looked': {
      const listing = event.listing === undefined ? '' : ` at ${event.listing}`
      const who = event.sure ? event.writers.join(', ') : oneOf(event.writers)
      return `${who} looked${listing}, and relies on it from here on`
    }
    case 'narrowed':
      return `the sender ${event.sender} is ${event.writers.join(' or ')} (${event.by})`
    case 'committed': {
      const resolves = event.resolves === undefined ? '' : `, which resolves ${event.resolves}`
      const what = `${shortObject(event.object)} (${count(event.size, 'byte')})`
      return `${nameOf(event.author)} saved ${what}${resolves}`
    }
    case 'owned':
      return `${shortObject(event.lock)} is of ${event.writer}`
    case 'answered':
      return `its writer surely heard that ${event.objects.map(shortObject).join(', ')} is saved`
    case 'deleted': {
      const cause = event.cause === 'request' ? '' : `, since it has ${event.cause}`
      const raised =
        event.generation === undefined
          ? ''
          : `, in the maintenance of generation ${event.generation}`
      return `${nameOf(event.author)} deleted ${shortObject(event.object)}${cause}${raised}`
    }
    case 'retracted':
      return `${nameOf(event.author)} took back a failed upload of ${shortObject(event.object)}; nothing changed`
    case 'refused':
      return refusalSentence(event)
    case 'knocked': {
      const kept = event.kept === undefined ? '' : `; its bytes are kept as ${event.kept.item}`
      const what = `the ${event.verb} of ${shortObject(event.object)}`
      return `${what} was put off until it is sure which run sent it: ${oneOf(event.candidates)}${kept}`
    }
    case 'passed': {
      const what = `the ${event.verb} of ${shortObject(event.object)} by ${nameOf(event.author)}`
      return `NOT PROTECTED: ${what} would have been fenced (${event.reason}${overtaken(event.run)})`
    }
    case 'ended':
      return `${event.writer} ended: ${endings[event.cause]}${event.by === undefined ? '' : ` (${event.by})`}`
    case 'revived':
      return `${event.writer} was taken for ended and is back`
    case 'heard':
      return `${event.writer} was heard, and changed nothing`
    case 'released': {
      const force = event.forced ? ' by force' : groundOf(event.proof)
      const what = `${event.item} (${shortObject(event.object)})`
      return `${event.by} released ${what}${force}: ${event.reason}`
    }
    case 'discarded':
      return `${event.by} discarded ${event.item}: ${event.reason}`
    case 'evicted':
      return `the bytes of ${event.item} were dropped: it was too old`
    case 'outside': {
      const what = `${count(event.vanished.length, 'object')} vanished, ${event.appeared.length} appeared`
      const raised =
        event.generation === undefined ? '' : `; generation ${event.generation} begins`
      return `the folder was used past the gateway: ${what}${raised}`
    }
    case 'sealed':
      return `records up to ${event.position} were sealed into ${event.archive}`
    case 'fenced':
      return `${event.by} raised the generation to ${event.generation} by hand: ${event.reason}`
  }
}

const endings = {
  unlocked: 'it let go of its locks',
  closed: 'its client closed everything',
  operator: 'an operator said so',
  silence: 'it was silent for too long',
} as const

function refusalSentence(event: Extract<JournalEvent, { kind: 'refused' }>): string {
  const { verb, object, author, reason, generation, run, kept } = event
  const what = `the ${verb} of ${shortObject(object)} by ${nameOf(author)} was fenced`
  const why = `${reason}${overtaken(run)}; it saw generation ${generation}`
  return `${what} (${why})${kept === undefined ? '' : `; kept as ${kept.item}`}`
}

function overtaken(run: Run | undefined): string {
  return run === undefined ? '' : `, overtaken by ${overtakerOf(run)}`
}

/** Who or what overtook a writer. */
export function overtakerOf({ by, isOutside, isNobodys }: Run): string {
  if (by !== undefined) return by
  if (isOutside === true) return 'use past the gateway'
  return isNobodys === true ? 'a run that nobody knows' : 'an operator'
}

function groundOf(proof: ReadProof | undefined): string {
  if (proof === undefined) return ''
  const { indexes, snapshots } = proof
  return ` after a check that read ${count(indexes, 'index', 'indexes')} and ${count(snapshots, 'snapshot')} with it`
}

function nameOf(author: Author): string {
  return author.kind === 'writer' ? author.writer : oneOf(author.candidates)
}

function oneOf(writers: readonly string[]): string {
  const [first, ...others] = writers
  if (first === undefined) return 'nobody known'
  return others.length === 0 ? `perhaps ${first}` : `one of ${writers.join(', ')}`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
