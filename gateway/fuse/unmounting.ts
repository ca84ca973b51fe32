/** Knows how a mount is taken away, by programs of the system: Node has no call for it. Never hangs. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { mountSource } from './kernel-mount.js'
import { mountsAt, type MountEntry } from './mount-table.js'
import { isShield, raiseShield } from './shield.js'

const run = promisify(execFile)
const patienceMs = 5_000

/** `dead`: a gateway that was killed left something of ours behind. A mount that answers is somebody's: `alive`. */
export type Leftover = 'none' | 'dead' | 'alive' | 'foreign'

export async function leftoverAt(folder: string): Promise<Leftover> {
  const [top] = await mountsAt(folder)
  if (top === undefined) return 'none'
  if (isShield(top)) return 'dead'
  if (!isOurs(top)) return 'foreign'
  return (await answers(folder)) ? 'alive' : 'dead'
}

/**
 * Takes a dead mount away, so that another can be made. Where there may be a shield it stands before, during and after: the
 * folder beneath, where a run that goes on would write past the repository, is bare at no time.
 */
export async function clearWay(folder: string): Promise<void> {
  for (;;) {
    const [top, beneath] = await mountsAt(folder)
    if (isShield(top)) return
    if (top !== undefined && !isOurs(top)) {
      throw new Error(`something else was mounted on "${folder}" meanwhile`)
    }
    if (!isShield(beneath) && (await raiseShield(folder))) return
    if (top === undefined) return
    await detachTop(folder)
  }
}

/** Takes all of ours out of sight at once, whoever still uses it: they keep what they have open until its helper ends. */
export async function detach(folder: string): Promise<void> {
  for (;;) {
    const [top] = await mountsAt(folder)
    if (!isShield(top) && !isOurs(top)) return
    await detachTop(folder)
  }
}

async function detachTop(folder: string): Promise<void> {
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
  if ((await mountsAt(folder)).length > 0) {
    throw new Error(`"${folder}" cannot be unmounted`, { cause: failure })
  }
}

function isOurs(entry: MountEntry | undefined): boolean {
  return entry?.source === mountSource && entry.type.startsWith('fuse')
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
