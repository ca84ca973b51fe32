/**
 * Knows how an empty repository is had quickly: restic makes one of each kind, and all tests copy it, from
 * `.cache/repositories/`. To make one takes a second of processor time, most of it to find out how long a password
 * should take.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atExit } from './at-exit.js'
import { projectRoot } from './clients.js'

const shared = join(projectRoot, '.cache', 'repositories')
const made = new Map<string, Promise<string>>()
const unfinished: string[] = []

atExit(() => {
  for (const folder of unfinished) rmSync(folder, { recursive: true, force: true })
})

/**
 * Copies are one repository to restic, its id included: a test that needs two makes the other one itself. `kind` has to
 * name everything that the one that is made depends on.
 */
export const copyEmptyRepository = async (
  kind: string,
  make: (folder: string) => Promise<void>,
  target: string,
): Promise<void> => {
  const original = made.get(kind) ?? findOriginal(kind, make)
  made.set(kind, original)
  await promisify(execFile)('cp', ['-a', await original, target])
}

/** Makes it aside and renames it: of several test processes at once, the first one's serves all that come after. */
const findOriginal = async (
  kind: string,
  make: (folder: string) => Promise<void>,
): Promise<string> => {
  const original = join(shared, createHash('sha256').update(kind).digest('hex').slice(0, 16))
  if (existsSync(original)) return original
  await mkdir(shared, { recursive: true })
  const aside = await mkdtemp(join(shared, 'new-'))
  unfinished.push(aside)
  await make(join(aside, 'repo'))
  await rename(join(aside, 'repo'), original).catch((error: unknown) => {
    if (!existsSync(original)) throw error
  })
  return original
}
