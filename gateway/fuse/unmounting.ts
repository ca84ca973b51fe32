/** Knows how a mount is taken away, by programs of the system: Node has no call for it. Never hangs. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { mountSource } from './kernel-mount.js'
import { mountAt } from './mount-table.js'

const run = promisify(execFile)
const patienceMs = 5_000

export type Leftover = 'none' | 'removed' | 'alive' | 'foreign'

/** Takes the mount out of sight at once, whoever still uses it: they keep what they have open until its helper ends. */
export async function detach(folder: string): Promise<void> {
  const isRoot = process.getuid?.() === 0
  const ways = isRoot
    ? [['umount', '-l', '-i', '-c', folder]]
    : [
        ['fusermount3', '-u', '-z', folder],
        ['fusermount', '-u', '-z', folder],
      ]
  let failure: unknown
  for (const [program = '', ...args] of ways) {
    try {
      await run(program, args, { timeout: patienceMs })
      return
    } catch (error) {
      failure = error
    }
  }
  if ((await mountAt(folder)) !== undefined) {
    throw new Error(`"${folder}" cannot be unmounted`, { cause: failure })
  }
}

/** What a gateway that was killed left behind is taken away. A mount that answers is somebody's. */
export async function removeLeftover(folder: string): Promise<Leftover> {
  // Several may lie on each other.
  for (let found: Leftover = 'none'; ; found = 'removed') {
    const entry = await mountAt(folder)
    if (entry === undefined) return found
    if (entry.source !== mountSource || !entry.type.startsWith('fuse')) {
      return found === 'removed' ? found : 'foreign'
    }
    if (await answers(folder)) return 'alive'
    await detach(folder)
  }
}

/** A program asks, since it may never come back. A mount without its helper answers at once that it has none. */
async function answers(folder: string): Promise<boolean> {
  try {
    await run('stat', ['-f', folder], { timeout: patienceMs, killSignal: 'SIGKILL' })
    return true
  } catch (error) {
    const told = error instanceof Error && 'stderr' in error ? String(error.stderr) : ''
    return !/not connected|connection aborted/i.test(told)
  }
}
