/** Finds the file systems on which the state is not safe, or not to be had: network ones, and read-only ones. */
import { constants } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackendError } from '../../../fencing/ports.js'
import { errnoOf } from './faults.js'

/** By the number that Linux gives each (linux/magic.h, and the file systems' own sources). */
const networkTypes: Readonly<Record<number, string>> = {
  0x6969: 'nfs',
  0x517b: 'smb',
  0xfe534d42: 'smb2',
  0xff534d42: 'cifs',
  0x01021997: '9p',
  0x564c: 'ncp',
  0x73757245: 'coda',
  0x5346414f: 'afs',
  0x6b414653: 'afs',
  0x00c36400: 'ceph',
  0x0bd00bd0: 'lustre',
  0x47504653: 'gpfs',
  0x19830326: 'beegfs',
  0x01161970: 'gfs2',
  0x7461636f: 'ocfs2',
  0xaad7aaea: 'panfs',
  0x786f4256: 'vboxsf',
  0xbacbacbc: 'vmhgfs',
}
const fuseType = 0x65735546
/** What is behind FUSE can be anything (sshfs, s3fs, a host's folder); these are known to be local. */
const localFuseNames: ReadonlySet<string> = new Set(['fuseblk', 'fuse.fuse-overlayfs'])

/** The name of the network file system, or undefined for one that belongs to this machine alone. */
export function networkFileSystem(type: number, mountName?: string): string | undefined {
  if (type !== fuseType) return networkTypes[type]
  const name = mountName ?? 'fuse'
  return localFuseNames.has(name) ? undefined : name
}

/** The name of the network file system that a folder is on, if it is on one. */
export async function networkFileSystemOf(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  // Some architectures give the number a sign.
  const type = (await statfs(folder)).type >>> 0
  return networkFileSystem(type, type === fuseType ? await mountNameOf(folder) : undefined)
}

export async function refuseNetworkFileSystem(folder: string): Promise<void> {
  const name = await networkFileSystemOf(folder)
  if (name === undefined) return
  throw new BackendError(
    'not-allowed',
    `the state folder "${folder}" is on a network file system (${name}), where a lock does not keep ` +
      `other machines out; put the state on a local disk`,
  )
}

/** proc_pid_mountinfo(5): the third field is the device, the first one after the dash names the file system. */
export function mountNameIn(mountInfo: string, device: number): string | undefined {
  const major = ((device / 2 ** 32) & 0xfffff000) | ((device >>> 8) & 0xfff)
  const minor = ((device >>> 12) & 0xffffff00) | (device & 0xff)
  const line = mountInfo
    .split('\n')
    .findLast((each) => each.split(' ')[2] === `${major}:${minor}`)
  return line?.split(' - ')[1]?.split(' ')[0]
}

async function mountNameOf(folder: string): Promise<string | undefined> {
  const { dev } = await stat(folder)
  return mountNameIn(await readFile('/proc/self/mountinfo', 'utf8'), dev)
}

/** A folder that is missing would have to be made in the one above. */
export async function isOnReadOnlyVolume(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK)
    return false
  } catch (error) {
    const code = errnoOf(error)
    const above = dirname(folder)
    if (code === 'ENOENT' && above !== folder) return isOnReadOnlyVolume(above)
    return code === 'EROFS'
  }
}
