/** Knows the folders that are compared: one as it is, Lockkeeper's mount, and rclone's. */
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from '../test/end-to-end/harness/child.js'
import { clientPath } from '../test/end-to-end/harness/clients.js'
import { gatewayCommand } from '../test/end-to-end/harness/service.js'
import { MountFolder } from '../test/end-to-end/harness/test-mount.js'
import { eventually } from '../test/end-to-end/harness/wait.js'
import type { Peer } from './measure.js'

export interface Folder extends Peer {
  /** Where restic works. */
  readonly path: string
  /** The same, past the mount. */
  readonly beneath: string
  readonly close: () => Promise<void>
}

/** The first is the reference of the ratios. */
export async function openFolders(parent: string, names: readonly string[]): Promise<Folder[]> {
  const folders: Folder[] = []
  for (const name of names) {
    const beneath = join(parent, name)
    await mkdir(beneath)
    if (name === 'folder') {
      folders.push({ name, path: beneath, beneath, close: async () => undefined })
    } else {
      const mount = await MountFolder.make()
      const command =
        name === 'lockkeeper'
          ? gatewayCommand(['mount', beneath, mount.path, '--log-level', 'warn'])
          : await rcloneCommand(parent, beneath, mount.path)
      folders.push(await mounted({ name, beneath, mount, parent, command }))
    }
  }
  return folders
}

interface Mounting {
  readonly name: string
  readonly beneath: string
  readonly mount: MountFolder
  readonly parent: string
  readonly command: readonly [string, ...string[]]
}

async function mounted({ name, beneath, mount, parent, command }: Mounting): Promise<Folder> {
  const [file, ...args] = command
  const env = {
    PATH: `${join(parent, 'programs')}:${process.env.PATH ?? ''}`,
    HOME: parent,
    RCLONE_CONFIG: '/dev/null',
  }
  const child = new Child(file, args, { env })
  await eventually(
    () => `${name} to mount; it said:\n${child.output}`,
    () => {
      if (child.isOver) throw new Error(`${name} ended:\n${child.output}`)
      return mount.isMounted
    },
  )
  const close = async (): Promise<void> => {
    child.signal('SIGTERM')
    await child.ended
    await mount.remove()
  }
  return { name, path: mount.path, beneath, close }
}

/** restic reads what it has just written, which needs rclone's cache of writes. */
async function rcloneCommand(
  parent: string,
  beneath: string,
  mount: string,
): Promise<readonly [string, ...string[]]> {
  const programs = join(parent, 'programs')
  await mkdir(programs)
  for (const name of ['fusermount', 'fusermount3']) {
    await symlink(clientPath('fusermount'), join(programs, name))
  }
  const flags = ['--vfs-cache-mode', 'writes', '--cache-dir', join(parent, 'rclone-cache')]
  return [clientPath('rclone'), 'mount', beneath, mount, ...flags]
}
