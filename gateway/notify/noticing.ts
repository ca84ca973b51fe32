/** Decides which records of a journal are told, and as what. */
import { parseEvent, type Author, type JournalEvent } from '../../fencing/journal/event.js'
import { typeOf, type RepositoryId } from '../../fencing/object.js'
import type { StoredRecord } from '../../fencing/ports.js'
import { sentenceOf } from '../operate/words/sentence.js'
import type { Notice } from './message.js'
import type { OutboxState } from './outbox.js'

/** A user, else an address; undefined where it is not known any more. */
export type ClientOf = (repository: RepositoryId, author: Author) => string | undefined

export interface Noticing {
  readonly maintenances: OutboxState['maintenances']
  readonly clientOf: ClientOf
}

/** Most records are of packs and locks, and not worth being parsed. */
const pattern =
  /"kind":"(?:refused|outside|ended)"|"kind":"deleted".*"generation":|"object":"snapshots\//
const sentenceMax = 1_000

/** True of what may be told; the rest need wake nobody. */
export function mayMatter(event: JournalEvent): boolean {
  if (event.kind === 'committed') return typeOf(event.object) === 'snapshots'
  if (event.kind === 'deleted') return event.generation !== undefined
  return event.kind === 'refused' || event.kind === 'outside' || event.kind === 'ended'
}

export function noticeOf(
  noticing: Noticing,
  repository: RepositoryId,
  { position, time, body }: StoredRecord,
): Notice | undefined {
  const event = pattern.test(body) ? parseEvent(body) : undefined
  const told = event && typeAndClientOf(noticing, repository, event)
  if (event === undefined || told === undefined) return undefined
  const sentence = sentenceOf(event).slice(0, sentenceMax)
  return { ...told, repository, sentence, time, position }
}

function typeAndClientOf(
  { maintenances, clientOf }: Noticing,
  repository: RepositoryId,
  event: JournalEvent,
): Pick<Notice, 'type' | 'client'> | undefined {
  if (event.kind === 'refused') {
    const type = event.reason === 'ambiguous' ? 'write.ambiguous' : 'write.fenced'
    return { type, client: event.client.user ?? event.client.address }
  }
  if (event.kind === 'committed' && typeOf(event.object) === 'snapshots') {
    const client = clientOf(repository, event.author) ?? null
    return { type: 'snapshot.committed', client }
  }
  if (event.kind === 'outside' && event.generation !== undefined) {
    return { type: 'maintenance.outside', client: null }
  }
  if (event.kind === 'deleted') {
    const { generation, author } = event
    const told = maintenances.get(repository)?.generation ?? 0
    if (generation === undefined || generation <= told) return undefined
    const writers = author.kind === 'writer' ? [author.writer] : [...author.candidates]
    maintenances.set(repository, { generation, writers })
    return { type: 'maintenance.begun', client: clientOf(repository, author) ?? null }
  }
  if (event.kind === 'ended') {
    const { writer } = event
    const one = maintenances.get(repository)
    if (one?.writers.includes(writer) !== true) return undefined
    one.writers = one.writers.filter((each) => each !== writer)
    if (one.writers.length > 0) return undefined
    const client = clientOf(repository, { kind: 'writer', writer }) ?? null
    return { type: 'maintenance.ended', client }
  }
  return undefined
}
