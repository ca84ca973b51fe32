/** Knows mounts of tests: that they can be had here, and that none outlives its test, however that ends. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.js'
import { Child } from './child.js'
import { gatewayCommand } from './service.js'

const PREFIX = 'lockkeeper-mount-'

/** Mounting needs root's rights, as the tests have no fusermount of their own. */
export const canMount = ((): boolean => {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    createRequire(import.meta.url).resolve('fuse-native')
    return process.getuid?.() === 0
  } catch {
    return false
  }
})()

const detach = (folder: string): void => {
  try {
    execFileSync('umount', ['-l', '-i', '-c', folder], { stdio: 'ignore' })
  } catch {
    // It is not mounted (any more).
  }
}

export const mountedFolders = (): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** What an earlier run left behind would hang whoever touches it. */
export const removeLeftMounts = (): void => {
  for (const folder of mountedFolders()) {
    const pid = new RegExp(`/${PREFIX}(\\d+)-[^/]*$`).exec(folder)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) detach(folder)
  }
}

const folders = new Set<string>()
// A mount lies on its shield, so a folder may be named more than once.
atExit(() =>
  mountedFolders()
    .filter((one) => folders.has(one))
    .forEach(detach),
)

/** An empty folder to mount on, outside of all that tests remove: nothing is ever removed through a mount. */
export class MountFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
    folders.add(path)
  }

  static async make(): Promise<MountFolder> {
    return new MountFolder(await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)))
  }

  get isMounted(): boolean {
    return mountedFolders().includes(this.path)
  }

  /** Once is enough. */
  async remove(): Promise<void> {
    if (!folders.has(this.path)) return
    // Several may lie on each other.
    for (let tries = 0; this.isMounted && tries < 10; tries++) detach(this.path)
    folders.delete(this.path)
    await rmdir(this.path)
  }
}

/** `lockkeeper mount`, running. */
export class TestMount {
  readonly folder: MountFolder
  readonly child: Child

  private constructor(folder: MountFolder, child: Child) {
    this.folder = folder
    this.child = child
  }

  static async open(
    source: string,
    flags: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<TestMount> {
    const folder = await MountFolder.make()
    const [file, ...args] = gatewayCommand(['mount', source, folder.path, ...flags])
    const mount = new TestMount(folder, new Child(file, args, { env }))
    try {
      await mount.child.says(/^Mounted on /m)
      return mount
    } catch (error) {
      await mount.close()
      throw error
    }
  }

  path(...names: readonly string[]): string {
    return join(this.folder.path, ...names)
  }

  async close(): Promise<void> {
    this.child.signal('SIGTERM')
    await this.child.ended
    await this.folder.remove()
  }
}
