/**
 * Knows how an empty repository is had quickly: restic makes one of each kind, and the tests of one process copy it.
 * To make one takes a second of processor time, most of it to find out how long a password should take.
 */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atExit } from './at-exit.js'

const made = new Map<string, Promise<string>>()
const folders: string[] = []

atExit(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Copies are one repository to restic, its id included: a test that needs two makes the other one itself. */
export const copyEmptyRepository = async (
  kind: string,
  make: (folder: string) => Promise<void>,
  target: string,
): Promise<void> => {
  const original = made.get(kind) ?? makeOriginal(make)
  made.set(kind, original)
  await promisify(execFile)('cp', ['-a', await original, target])
}

const makeOriginal = async (make: (folder: string) => Promise<void>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-empty-'))
  folders.push(folder)
  const original = join(folder, 'repo')
  await make(original)
  return original
}
