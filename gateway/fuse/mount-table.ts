/** Knows what is mounted where, without touching any of it: a look at a mount that hangs would hang too. */
import { readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

export interface MountEntry {
  /** `fuse.lockkeeper`, `ext4` … */
  readonly type: string
  readonly source: string
}

/** The folder's real path, found without a look at the folder itself. */
export async function realPathOf(folder: string): Promise<string> {
  const absolute = resolve(folder)
  return absolute === '/'
    ? absolute
    : join(await realpath(dirname(absolute)), basename(absolute))
}

/** What is mounted on the folder itself, the topmost first. */
export async function mountsAt(realPath: string): Promise<readonly MountEntry[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')).get(realPath) ?? []
}

/** proc_pid_mountinfo(5); a later mount covers an earlier one at the same place, and stands before it here. */
export function parseMountInfo(text: string): Map<string, MountEntry[]> {
  const entries = new Map<string, MountEntry[]>()
  for (const line of text.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const place = before.split(' ')[4]
    const [type, source] = after.split(' ')
    if (place === undefined || type === undefined || source === undefined) continue
    const folder = unescape(place)
    const entry = { type, source: unescape(source) }
    entries.set(folder, [entry, ...(entries.get(folder) ?? [])])
  }
  return entries
}

function unescape(text: string): string {
  return Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    ),
    'latin1',
  ).toString()
}
