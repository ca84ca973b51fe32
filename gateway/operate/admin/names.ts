/** Knows how a repository is named on a command line. */
import { parseRepositoryId, type RepositoryId } from '../../../fencing/object.js'

/** The root itself is written `/` or `.`, since nothing is hard to type. */
export function parseName(name: string): RepositoryId | undefined {
  const trimmed = name.replace(/^\.?\//, '').replace(/\/$/, '')
  return parseRepositoryId(trimmed === '' || trimmed === '.' ? [] : trimmed.split('/'))
}

export function displayName(repository: string): string {
  return repository === '' ? '/' : repository
}

/** What is said of a repository without its config. */
export const noConfig =
  'HAS NO CONFIG: nothing in it can be read. If it was deleted, stop the gateway and copy quarantine/*.gone-config of the state ' +
  'folder back to its place; if nothing was ever backed up, "restic init" makes one'
