/** Puts an event of the journal on one line for people. */
import {
  describeClient,
  parseEvent,
  type Author,
  type JournalEvent,
} from '../../fencing/journal/event.js'
import type { RecordView } from '../operate/admin/views.js'
import { printable } from '../program/printable.js'
import { shortObject } from './output.js'

export function describeRecord(record: RecordView): string {
  const event = parseEvent(JSON.stringify(record))
  return printable(event === undefined ? JSON.stringify(record) : describe(event))
}

function describe(event: JournalEvent): string {
  switch (event.kind) {
    case 'adopted':
      return `the repository as it stands: ${event.locks.length} locks, ${event.indexes.length} indexes`
    case 'opened': {
      const tag = event.tag === undefined ? '' : `, tag ${event.tag}`
      return `${event.writer} from ${describeClient(event.client)}${tag}`
    }
    case 'looked':
      return `${event.writers.join(', ')}${event.sure ? '' : ' (one of these)'}`
    case 'narrowed':
      return `the sender ${event.sender} is ${event.writers.join(' or ')} (${event.by})`
    case 'committed': {
      const resolves = event.resolves === undefined ? '' : `, resolves ${event.resolves}`
      return `${shortObject(event.object)} by ${name(event.author)}, ${event.size} bytes${resolves}`
    }
    case 'owned':
      return `${shortObject(event.lock)} is ${event.writer}'s`
    case 'answered':
      return event.objects.map(shortObject).join(', ')
    case 'deleted': {
      const generation =
        event.generation === undefined ? '' : `, generation ${event.generation}`
      const cause = event.cause === 'request' ? '' : `, since it has ${event.cause}`
      return `${shortObject(event.object)} by ${name(event.author)}${generation}${cause}`
    }
    case 'retracted':
      return `${shortObject(event.object)} by ${name(event.author)}`
    case 'refused': {
      const { run, kept } = event
      const by = run === undefined ? '' : `, overtaken by ${run.by ?? 'an operator'}`
      const item = kept === undefined ? '' : `, ${kept.item}`
      const what = `${event.verb} of ${shortObject(event.object)} by ${name(event.author)}`
      return `${what}: ${event.reason}, generation ${event.generation}${by}${item}`
    }
    case 'knocked': {
      const item = event.kept === undefined ? '' : `, ${event.kept.item}`
      const whose = event.candidates.join(', ')
      return `${event.verb} of ${shortObject(event.object)} by one of ${whose}${item}`
    }
    case 'passed': {
      const { verb, object, author, reason, generation, run } = event
      const by = run === undefined ? '' : `, overtaken by ${run.by ?? 'an operator'}`
      const what = `let through: ${verb} of ${shortObject(object)} by ${name(author)}`
      return `${what}: ${reason}, generation ${generation}${by}`
    }
    case 'ended':
      return `${event.writer}: ${event.cause}${event.by === undefined ? '' : ` (${event.by})`}`
    case 'revived':
    case 'heard':
      return event.writer
    case 'released': {
      const force = event.forced ? ', by force' : ''
      return `${event.item} (${shortObject(event.object)}) by ${event.by}${force}: ${event.reason}`
    }
    case 'discarded':
      return `${event.item} by ${event.by}: ${event.reason}`
    case 'evicted':
      return `${event.item}: ${event.cause}`
    case 'outside': {
      const { vanished, appeared, generation } = event
      const raised = generation === undefined ? '' : `, generation ${generation}`
      return `used past the gateway: ${vanished.length} objects vanished, ${appeared.length} appeared${raised}`
    }
    case 'sealed':
      return `records up to ${event.position} into ${event.archive}`
    case 'fenced':
      return `generation ${event.generation} by ${event.by}: ${event.reason}`
  }
}

function name(author: Author): string {
  if (author.kind === 'writer') return author.writer
  return author.candidates.length === 0
    ? 'nobody known'
    : `one of ${author.candidates.join(', ')}`
}
