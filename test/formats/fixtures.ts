/** Finds the small repositories that real clients made, and what `restic cat` said of each: see make-fixtures.ts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { openRepository, type KeyedRepository } from '../../formats/restic/repository.js'
import { folderFiles } from './folder-files.js'

/** The repository's version, and that of the restic that made it. */
export const fixtureNames = ['v1-0.14', 'v2-0.18', 'v2-0.19'] as const
export type FixtureName = (typeof fixtureNames)[number]
export const fixturePassword = 'correct horse'

/** Seen from `dist/test/formats/`. */
export const fixturesFolder = fileURLToPath(
  new URL('../../../test/formats/fixtures/', import.meta.url),
)

/** The JSON that restic shows, by the names of the files or blobs. */
export interface Expected {
  readonly config: string
  readonly masterKey: string
  readonly snapshots: Readonly<Record<string, string>>
  readonly indexes: Readonly<Record<string, string>>
  readonly locks: Readonly<Record<string, string>>
  readonly trees: Readonly<Record<string, string>>
}

export const readExpected = (name: FixtureName): Expected =>
  JSON.parse(
    gunzipSync(readFileSync(join(fixturesFolder, name, 'expected.json.gz'))).toString('utf8'),
  ) as Expected

export const openFixture = async (name: FixtureName): Promise<KeyedRepository> =>
  openRepository(folderFiles(join(fixturesFolder, name)), Buffer.from(fixturePassword))
