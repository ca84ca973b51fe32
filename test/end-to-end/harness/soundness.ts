/** Knows the judge: is a repository sound, and does it give back what clients were told is saved? */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ended } from './child.js'
import type { ResticVersion } from './clients.js'
import { contentsOf, differences, type Contents } from './content.js'
import type { World } from './world.js'

/** What a client was told is safe. */
export interface Saved {
  readonly snapshot: string
  readonly contents: Contents
}

/** The newest version judges, on the folder itself: past any gateway, leaving no lock behind. */
const JUDGE = '0.18'

/** The snapshot that a backup says it saved, if it did. */
export const savedSnapshot = ({ stdout }: Pick<Ended, 'stdout'>): string | undefined =>
  /snapshot ([0-9a-f]{8,64}) saved/.exec(stdout)?.[1]

/** Backs up a folder's contents to the end, which must be a success. */
export const backUp = async (
  world: World,
  version: ResticVersion,
  repository: string,
  folder: string,
  flags: readonly string[] = [],
): Promise<Saved> => {
  const contents = await contentsOf(folder)
  const args = ['-r', repository, 'backup', ...flags, '.']
  const ended = await world.run(version, args, { cwd: folder })
  const snapshot = savedSnapshot(ended)
  if (snapshot === undefined) throw new Error(`no snapshot in: ${ended.stdout}`)
  return { snapshot, contents }
}

const checkProblems = async (world: World, folder: string): Promise<readonly string[]> => {
  const args = ['-r', folder, 'check', '--read-data', '--no-lock', '--no-cache']
  const { code, stdout, stderr } = await world.restic(JUDGE, args).ended
  return code === 0 ? [] : [`check ended with ${code ?? 'a signal'}: ${stdout}${stderr}`]
}

const restoreProblems = async (
  world: World,
  folder: string,
  { snapshot, contents }: Saved,
): Promise<readonly string[]> => {
  const target = await mkdtemp(join(world.path('tmp'), 'restored-'))
  const args = [
    '-r',
    folder,
    'restore',
    snapshot,
    '--target',
    target,
    '--no-lock',
    '--no-cache',
  ]
  const { code, stderr } = await world.restic(JUDGE, args).ended
  const found = await contentsOf(target)
  await rm(target, { recursive: true })
  const problems = differences(contents, found)
  return [...(code === 0 ? [] : [`restore failed: ${stderr}`]), ...problems].map(
    (problem) => `snapshot ${snapshot}: ${problem}`,
  )
}

/**
 * All that is wrong with the repository in the folder: what `check --read-data` says, and each saved snapshot that
 * does not come back byte for byte. Empty when it is sound.
 */
export const soundness = async (
  world: World,
  folder: string,
  saved: readonly Saved[],
): Promise<readonly string[]> => {
  const problems = [...(await checkProblems(world, folder))]
  for (const one of saved) problems.push(...(await restoreProblems(world, folder, one)))
  return problems
}
