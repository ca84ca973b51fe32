/** Writes the one line that the log has for each event of a journal, with the ids that stand there. */
import type { Level, Logger } from 'pino'
import { describeClient, type Author, type JournalEvent } from '../../fencing/journal/event.js'
import type { Recorded } from '../../fencing/journal/journal.js'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import type { Observer } from './observed-journal.js'

interface Line {
  readonly level: Level
  readonly message: string
  readonly about?: Readonly<Record<string, unknown>>
}

export function logEvents(logger: Logger): Observer {
  /** Which maintenance was told of already: its further deletions are one line each at debug only. */
  const told = new Map<string, number>()
  return (repository, { position, event }: Recorded) => {
    const { level, message, about } = lineOf(event)
    const { kind, request } = event
    const line = { repository, position, kind, ...(request && { request }), ...about }
    if (event.kind === 'deleted' && event.generation !== undefined) {
      if ((told.get(repository) ?? 0) < event.generation) {
        told.set(repository, event.generation)
        const { generation } = event
        const begun = { ...line, generation }
        logger.warn(begun, 'maintenance: it has raised the generation')
        return
      }
    }
    logger[level](line, message)
  }
}

function lineOf(event: JournalEvent): Line {
  switch (event.kind) {
    case 'adopted':
      return {
        level: 'info',
        message: 'the repository came under this gateway',
        about: { locks: event.locks.length, indexes: event.indexes.length },
      }
    case 'opened': {
      const { writer, client, tag } = event
      const about = { writer, client: describeClient(client), ...(tag && { tag }) }
      return { level: 'info', message: 'a writer began', about }
    }
    case 'committed':
      return {
        level: levelFor(event.object),
        message: 'committed',
        about: { object: event.object, size: event.size, ...whoseOf(event.author) },
      }
    case 'deleted': {
      const { object, author, cause } = event
      const about = { object, cause, ...whoseOf(author) }
      return { level: levelFor(object), message: 'deleted', about }
    }
    case 'refused':
    case 'knocked':
      return refusalLineOf(event)
    case 'passed': {
      const { verb, object, reason, author, client, generation, run } = event
      const about = { reason, verb, object, client: describeClient(client), generation }
      return {
        level: 'warn',
        message: `NOT PROTECTED: ${verb} let through that would have been fenced`,
        about: { ...about, ...whoseOf(author), ...(run && { run }) },
      }
    }
    case 'ended':
      return {
        level: 'info',
        message: 'a writer ended',
        about: { writer: event.writer, cause: event.cause },
      }
    case 'revived':
      return {
        level: 'warn',
        message: 'a writer that had ended is back',
        about: { writer: event.writer },
      }
    case 'released':
    case 'discarded': {
      const { item, by, reason } = event
      return {
        level: 'warn',
        message: `an item was ${event.kind}`,
        about: { item, by, reason },
      }
    }
    case 'evicted':
      return {
        level: 'warn',
        message: 'the bytes of an item were dropped: it was too old',
        about: { item: event.item },
      }
    case 'outside': {
      const { vanished, appeared, generation } = event
      const about = { vanished: vanished.length, appeared: appeared.length, generation }
      return { level: 'warn', message: 'the folder was used past the gateway', about }
    }
    case 'fenced': {
      const { generation, by, reason } = event
      const about = { generation, by, reason }
      return { level: 'warn', message: 'the generation was raised by hand', about }
    }
    case 'sealed': {
      const { position, archive } = event
      return {
        level: 'info',
        message: 'records were sealed',
        about: { upTo: position, archive },
      }
    }
    case 'narrowed':
    case 'looked':
    case 'heard':
    case 'owned':
    case 'answered':
    case 'retracted':
      return { level: 'debug', message: event.kind }
  }
}

function refusalLineOf(event: Extract<JournalEvent, { kind: 'refused' | 'knocked' }>): Line {
  const { verb, object, client, generation, kept } = event
  const item = kept === undefined ? {} : { item: kept.item }
  const about = { verb, object, client: describeClient(client), generation, ...item }
  if (event.kind === 'knocked') {
    const message = 'knocked: nobody can tell yet whose request this is'
    return { level: 'info', message, about: { ...about, candidates: event.candidates } }
  }
  const { reason, author, run } = event
  return {
    level: 'warn',
    message: `${verb} fenced`,
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
