/** Simulated stores: what survives the gateway's death, and one run's way to it. A body is its own digest. */
import { Readable } from 'node:stream'
import { emptyHead } from '../../fencing/journal/chain.js'
import { typeOf, type ObjectName, type RepositoryId } from '../../fencing/object.js'
import {
  BackendError,
  type Held,
  type JournalStore,
  type ObjectStore,
  type Staged,
  type StoredRecord,
  type TriesNote,
} from '../../fencing/ports.js'
import type { Faults } from './faults.js'

export const repository = 'r' as RepositoryId
export const bodySize = 64

/** What the judge is told of, as it happens. */
export interface Witness {
  readonly recorded: (record: StoredRecord) => void
  readonly published: (object: ObjectName) => void
  readonly removed: (object: ObjectName) => void
}

/** Object names and held ids with the SHA-256 of their bytes. */
export class Disk {
  readonly objects = new Map<ObjectName, string>()
  readonly held = {
    staging: new Map<string, string>(),
    quarantine: new Map<string, string>(),
  } as const
  readonly records: StoredRecord[] = []
  readonly unsettled = new Set<number>()
  readonly tries = new Map<string, TriesNote>()

  names(type: string): ObjectName[] {
    return [...this.objects.keys()].filter((object) => typeOf(object) === type)
  }
}

export function digestOfName(object: ObjectName): string {
  const slash = object.indexOf('/')
  return slash < 0 ? '0'.repeat(64) : object.slice(slash + 1)
}

export function simulatedStore(disk: Disk, faults: Faults, witness: Witness): ObjectStore {
  const read = <T>(act: () => T): Promise<T> => faults.call(false, act)
  const write = <T>(act: () => T): Promise<T> => faults.call(true, act)
  return {
    create: () => write(() => undefined),
    exists: () => read(() => true),
    repositories: () => read(() => [repository]),
    stat: (_repository, object) =>
      read(() => (disk.objects.has(object) ? bodySize : undefined)),
    open: (_repository, object) => read(() => opened(disk.objects.get(object))),
    digest: (_repository, object) => read(() => stagedAs(disk.objects.get(object))),
    list: (_repository, type) =>
      read(() => disk.names(type).map((name) => ({ id: digestOfName(name), size: bodySize }))),
    stage: async (_repository, id, body, signal) => {
      const { staging } = disk.held
      const parts: Uint8Array[] = []
      try {
        for await (const part of body) parts.push(part)
        signal?.throwIfAborted()
      } catch (cause) {
        throw new BackendError('unavailable', 'the body broke off', { cause })
      }
      const sha256 = Buffer.concat(parts).toString()
      return write(() => {
        staging.set(id, sha256)
        return { size: bodySize, sha256 }
      })
    },
    publish: (_repository, held, object) =>
      write(() => {
        const bytes = disk.held[held.area].get(held.id)
        if (bytes === undefined) return 'gone'
        if (disk.objects.has(object)) return 'exists'
        disk.objects.set(object, bytes)
        disk.held[held.area].delete(held.id)
        witness.published(object)
        return 'published'
      }),
    keep: (_repository, staged, item) =>
      write(() => {
        const bytes = disk.held.staging.get(staged)
        if (bytes === undefined) return false
        disk.held.quarantine.set(item, bytes)
        return disk.held.staging.delete(staged)
      }),
    discard: (_repository, held) => read(() => void disk.held[held.area].delete(held.id)),
    openHeld: (_repository, held) => read(() => opened(bytesOf(disk, held))),
    held: (_repository, area) => read(() => [...disk.held[area].keys()]),
    remove: (_repository, object) =>
      read(() => {
        if (disk.objects.delete(object)) witness.removed(object)
      }),
  }
}

/** Like a database behind one thread: calls are carried out in their order. */
export function simulatedJournal(disk: Disk, faults: Faults, witness: Witness): JournalStore {
  const { records, unsettled, tries } = disk
  let before: Promise<unknown> = Promise.resolve()
  const call = <T>(isWrite: boolean, act: () => T): Promise<T> => {
    const mine = before.then(() => faults.call(isWrite, act))
    before = mine.catch(() => undefined)
    return mine
  }
  return {
    repositories: () => call(false, () => (records.length > 0 ? [repository] : [])),
    head: () => call(false, () => records.at(-1) ?? emptyHead),
    read: (_repository, after, limit) => call(false, () => records.slice(after, after + limit)),
    unsettled: () => call(false, () => [...unsettled].sort((one, other) => one - other)),
    append: (batch) =>
      call(true, () => {
        if (batch.records.some(({ position }, at) => position !== records.length + at + 1)) {
          throw new BackendError('conflict', 'the records do not follow on the head')
        }
        for (const position of batch.unsettled) unsettled.add(position)
        for (const record of batch.records) {
          records.push(record)
          witness.recorded(record)
        }
      }),
    settle: (_repository, positions) =>
      call(false, () => positions.forEach((position) => unsettled.delete(position))),
    base: () => call(false, () => undefined),
    rebase: () => call(true, () => undefined),
    tries: () => call(false, () => [...tries.values()]),
    noteTries: (_repository, note) => call(false, () => void tries.set(note.item, note)),
    heard: () => call(false, () => []),
    noteHeard: () => call(false, () => undefined),
    close: async () => undefined,
  }
}

function bytesOf(disk: Disk, held: Held): string | undefined {
  return disk.held[held.area].get(held.id)
}

function stagedAs(sha256: string | undefined): Staged | undefined {
  return sha256 === undefined ? undefined : { size: bodySize, sha256 }
}

function opened(bytes: string | undefined): Awaited<ReturnType<ObjectStore['open']>> {
  if (bytes === undefined) return undefined
  return {
    size: bodySize,
    read: () => Readable.from([Buffer.from(bytes)]),
    readInto: async (buffer, position) => Buffer.from(bytes).copy(buffer, 0, position),
    close: async () => undefined,
  }
}
