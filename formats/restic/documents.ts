/** Reads the small texts of a repository: its config, its locks and its snapshots. */
import { damaged, FormatError } from './format-error.js'
import { parseTime, zoneMinutesOf } from './go-values.js'
import type { Id } from './id.js'
import { JsonScanner } from './json-scanner.js'

export interface RepositoryConfig {
  readonly version: 1 | 2
  /** 64 hex digits. */
  readonly id: string
  readonly chunkerPolynomial: string
}

export function parseConfig(text: Buffer): RepositoryConfig {
  const scanner = new JsonScanner(text, 'the config').requireUtf8()
  let version = 0
  let id = ''
  let chunkerPolynomial = ''
  scanner.object((key) => {
    if (key === 'version') version = scanner.uint32()
    else if (key === 'id') id = scanner.id()
    else if (key === 'chunker_polynomial') chunkerPolynomial = scanner.text()
    else scanner.skip()
  })
  scanner.end()
  if (id === '') throw damaged('the config has no id')
  if (version !== 1 && version !== 2) {
    throw new FormatError('unsupported', `the repository has version ${version}`)
  }
  return { version, id, chunkerPolynomial }
}

/** An instant, and where the clock stood that it was read from. */
export interface ZonedTime {
  /** Nanoseconds since 1970. */
  readonly ns: bigint
  /** East of Greenwich. */
  readonly zoneMinutes: number
}

function readTime(scanner: JsonScanner): ZonedTime {
  const text = scanner.text()
  return { ns: parseTime(text), zoneMinutes: zoneMinutesOf(text) }
}

export interface Lock {
  readonly time: ZonedTime
  readonly isExclusive: boolean
  readonly hostname: string
  readonly username: string
  readonly pid: bigint
  readonly uid: number
  readonly gid: number
}

export function parseLock(text: Buffer): Lock {
  const scanner = new JsonScanner(text, 'a lock').requireUtf8()
  let time: ZonedTime | undefined
  const lock = { isExclusive: false, hostname: '', username: '', pid: 0n, uid: 0, gid: 0 }
  scanner.object((key) => {
    if (scanner.takesNull()) return
    if (key === 'time') time = readTime(scanner)
    else if (key === 'exclusive') lock.isExclusive = scanner.boolean()
    else if (key === 'hostname' || key === 'username') lock[key] = scanner.text()
    else if (key === 'pid') lock.pid = scanner.int64()
    else if (key === 'uid' || key === 'gid') lock[key] = scanner.uint32()
    else scanner.skip()
  })
  scanner.end()
  if (time === undefined) throw damaged('a lock has no time')
  return { time, ...lock }
}

/** What restic counted during the backup. */
export interface SnapshotSummary {
  readonly backupStart: ZonedTime | undefined
  readonly backupEnd: ZonedTime | undefined
  /** By restic's names: `files_new`, `data_added`, `total_bytes_processed` … */
  readonly counts: ReadonlyMap<string, bigint>
}

export interface Snapshot {
  readonly time: ZonedTime
  readonly tree: Id
  readonly parent: Id | undefined
  /** The snapshot that this one was made of by rewriting or tagging. */
  readonly original: Id | undefined
  readonly paths: readonly string[]
  readonly hostname: string
  readonly username: string
  readonly uid: number
  readonly gid: number
  readonly excludes: readonly string[]
  readonly tags: readonly string[]
  readonly programVersion: string
  readonly summary: SnapshotSummary | undefined
}

export function parseSnapshot(text: Buffer): Snapshot {
  const scanner = new JsonScanner(text, 'a snapshot').requireUtf8()
  let time: ZonedTime | undefined
  let summary: SnapshotSummary | undefined
  const ids: { tree?: Id; parent?: Id; original?: Id } = {}
  const lists = { paths: [] as string[], excludes: [] as string[], tags: [] as string[] }
  const texts = { hostname: '', username: '', program_version: '' }
  const numbers = { uid: 0, gid: 0 }
  scanner.object((key) => {
    if (scanner.takesNull()) return
    if (key === 'time') time = readTime(scanner)
    else if (key === 'tree' || key === 'parent' || key === 'original') ids[key] = scanner.id()
    else if (isKeyOf(lists, key)) lists[key] = scanner.texts()
    else if (isKeyOf(texts, key)) texts[key] = scanner.text()
    else if (isKeyOf(numbers, key)) numbers[key] = scanner.uint32()
    else if (key === 'summary') summary = readSummary(scanner)
    else scanner.skip()
  })
  scanner.end()
  const { tree, parent, original } = ids
  if (time === undefined || tree === undefined)
    throw damaged('a snapshot has no time or no tree')
  const { program_version: programVersion, ...names } = texts
  return {
    ...{ time, tree, parent, original, summary, programVersion },
    ...lists,
    ...names,
    ...numbers,
  }
}

function isKeyOf<T extends object>(record: T, key: string): key is keyof T & string {
  return Object.hasOwn(record, key)
}

function readSummary(scanner: JsonScanner): SnapshotSummary {
  const times: { backupStart?: ZonedTime; backupEnd?: ZonedTime } = {}
  const counts = new Map<string, bigint>()
  scanner.object((key) => {
    if (key === 'backup_start') times.backupStart = readTime(scanner)
    else if (key === 'backup_end') times.backupEnd = readTime(scanner)
    else if (/^(?:files|dirs|data|tree|total)_[a-z_]+$/.test(key)) {
      counts.set(key, scanner.uint64())
    } else scanner.skip()
  })
  return { backupStart: times.backupStart, backupEnd: times.backupEnd, counts }
}
