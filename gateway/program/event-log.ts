/** Writes the one line that the log has for each event of a journal, with the ids that stand there. */
import type { Level, Logger } from 'pino'
import {
  describeClient,
  type Author,
  type Generation,
  type JournalEvent,
} from '../../fencing/journal/event.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import { sentenceOf } from '../operate/words/sentence.js'
import type { Observer } from './observed-journal.js'

interface Line {
  readonly level: Level
  readonly about?: Readonly<Record<string, unknown>>
}

export function logEvents(logger: Logger): Observer {
  /** Which maintenance was told of already: its further deletions are one line each at debug only. */
  const told = new Map<string, number>()
  return (repository, { position, event }: Recorded) => {
    const isBeginning = beginsMaintenance(event, told.get(repository) ?? 0)
    if (isBeginning) told.set(repository, event.generation)
    const { level: usual, about } = lineOf(event)
    const level = isBeginning ? 'warn' : usual
    if (!logger.isLevelEnabled(level)) return
    const { kind, request } = event
    const line = { repository, position, kind, ...(request && { request }), ...about }
    const raised = isBeginning ? { generation: event.generation } : {}
    logger[level]({ ...line, ...raised }, sentenceOf(event))
  }
}

function beginsMaintenance(
  event: JournalEvent,
  told: number,
): event is JournalEvent & { kind: 'deleted'; generation: Generation } {
  return event.kind === 'deleted' && event.generation !== undefined && told < event.generation
}

function lineOf(event: JournalEvent): Line {
  switch (event.kind) {
    case 'adopted':
      return {
        level: 'info',
        about: { locks: event.locks.length, indexes: event.indexes.length },
      }
    case 'opened': {
      const { writer, client, tag } = event
      const about = { writer, client: describeClient(client), ...(tag && { tag }) }
      return { level: 'info', about }
    }
    case 'committed':
      return {
        level: levelFor(event.object),
        about: { object: event.object, size: event.size, ...whoseOf(event.author) },
      }
    case 'deleted': {
      const { object, author, cause } = event
      const about = { object, cause, ...whoseOf(author) }
      return { level: levelFor(object), about }
    }
    case 'refused':
    case 'knocked':
      return refusalLineOf(event)
    case 'passed': {
      const { verb, object, reason, author, client, generation, run } = event
      const about = { reason, verb, object, client: describeClient(client), generation }
      return {
        level: 'warn',
        about: { ...about, ...whoseOf(author), ...(run && { run }) },
      }
    }
    case 'ended':
      return {
        level: 'info',
        about: { writer: event.writer, cause: event.cause },
      }
    case 'revived':
      return {
        level: 'warn',
        about: { writer: event.writer },
      }
    case 'released':
    case 'discarded': {
      const { item, by, reason } = event
      return {
        level: 'warn',
        about: { item, by, reason },
      }
    }
    case 'evicted':
      return {
        level: 'warn',
        about: { item: event.item },
      }
    case 'outside': {
      const { vanished, appeared, generation } = event
      const about = { vanished: vanished.length, appeared: appeared.length, generation }
      return { level: 'warn', about }
    }
    case 'fenced': {
      const { generation, by, reason } = event
      const about = { generation, by, reason }
      return { level: 'warn', about }
    }
    case 'sealed': {
      const { position, archive } = event
      return {
        level: 'info',
        about: { upTo: position, archive },
      }
    }
    case 'narrowed':
    case 'looked':
    case 'heard':
    case 'owned':
    case 'answered':
    case 'retracted':
      return { level: 'debug' }
  }
}

function refusalLineOf(event: Extract<JournalEvent, { kind: 'refused' | 'knocked' }>): Line {
  const { verb, object, client, generation, kept } = event
  const item = kept === undefined ? {} : { item: kept.item }
  const about = { verb, object, client: describeClient(client), generation, ...item }
  if (event.kind === 'knocked') {
    return { level: 'info', about: { ...about, candidates: event.candidates } }
  }
  const { reason, author, run } = event
  return {
    level: 'warn',
    about: { reason, ...about, ...whoseOf(author), ...(run && { run }) },
  }
}

function whoseOf(author: Author): Readonly<Record<string, unknown>> {
  if (author.kind === 'writer') return { writer: author.writer }
  return { writer: 'unknown', candidates: author.candidates }
}

/** Packs and locks come by the thousand. */
function levelFor(object: ObjectName): Level {
  const type = typeOf(object)
  return type === 'data' || type === 'locks' ? 'debug' : 'info'
}
