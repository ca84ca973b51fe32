/** Knows how a test gets a file system of a few kilobytes, where it may mount one. */
import type { ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDiskOptions {
  readonly bytes: number
  readonly isReadOnly?: boolean
}

function mount({ bytes, isReadOnly = false }: SmallDiskOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-disk-'))
  const options = `size=${bytes}${isReadOnly ? ',ro' : ''}`
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
  return folder
}

function unmount(folder: string): void {
  // Lazily: a thread may close its last file a moment later.
  execFileSync('umount', ['-l', folder])
  rmSync(folder, { recursive: true })
}

/** Its folder; it is gone when the test ends. */
export async function smallDisk(
  t: ExecutionContext,
  options: SmallDiskOptions,
): Promise<string> {
  const folder = mount(options)
  t.teardown(() => unmount(folder))
  return folder
}

/** Only root may mount; elsewhere the tests that need a small disk are skipped where everybody sees it. */
export const smallDisksAreHere = ((): boolean => {
  try {
    unmount(mount({ bytes: 64 * 1024 }))
    return true
  } catch {
    return false
  }
})()
