/**
 * Knows the shield: an empty folder that nobody can write to, mounted beneath the mount itself. When the mount dies under a
 * run, the run meets the shield, never the bare folder, where what it writes would be saved for it and in no repository.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { MountEntry } from './mount-table.js'

const run = promisify(execFile)
const patienceMs = 5_000

/** What mountinfo calls our shields. */
const shieldSource = 'lockkeeper-shield'
const options = 'ro,size=4k,mode=0555,nodev,nosuid,noexec'

export function isShield(entry: MountEntry | undefined): boolean {
  return entry?.source === shieldSource && entry.type === 'tmpfs'
}

/** On top of all that is there. False where this user, or this container, may not mount. */
export async function raiseShield(folder: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  try {
    const args = ['-i', '-c', '-t', 'tmpfs', '-o', options, shieldSource, folder]
    await run('mount', args, { timeout: patienceMs })
    return true
  } catch {
    return false
  }
}
