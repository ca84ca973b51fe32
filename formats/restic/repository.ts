/** Opens a repository with a password, and reads its texts by name. */
import type { SealingKey } from './cipher.js'
import {
  parseConfig,
  parseLock,
  parseSnapshot,
  type Lock,
  type RepositoryConfig,
  type Snapshot,
} from './documents.js'
import type { Id } from './id.js'
import { readIndex, type IndexSink } from './index-file.js'
import { findKey } from './key-file.js'
import type { RepositoryFiles } from './ports.js'
import { readUnpacked } from './unpacked.js'

export interface KeyedRepository {
  readonly files: RepositoryFiles
  readonly key: SealingKey
  /** Of the key file that the password opened. */
  readonly keyId: Id
  readonly config: RepositoryConfig
}

/** Throws a FormatError, `wrong-password` if the password is no key's. */
export async function openRepository(
  files: RepositoryFiles,
  password: Buffer,
): Promise<KeyedRepository> {
  const { key, id: keyId } = await findKey(files, password)
  const config = parseConfig(await readUnpacked(files, key, 'config'))
  return { files, key, keyId, config }
}

export async function loadSnapshot(
  { files, key }: KeyedRepository,
  id: string,
): Promise<Snapshot> {
  return parseSnapshot(await readUnpacked(files, key, `snapshots/${id}`))
}

export async function loadLock({ files, key }: KeyedRepository, id: string): Promise<Lock> {
  return parseLock(await readUnpacked(files, key, `locks/${id}`))
}

/** Tells the sink of every blob that the index names. */
export async function loadIndex(
  { files, key }: KeyedRepository,
  id: string,
  sink: IndexSink,
): Promise<void> {
  readIndex(await readUnpacked(files, key, `index/${id}`), sink)
}
