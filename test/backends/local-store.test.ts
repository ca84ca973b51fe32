/** The object store on a local disk keeps the contract of every store, on clumsy disks too. */
import test, { type ExecutionContext } from 'ava'
import { fstatSync } from 'node:fs'
import { localDisk, type Disk } from '../../backends/local/disk.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import type { ObjectStore } from '../../fencing/ports.js'
import { behaviours, conforms } from '../conformance/object-store.js'
import { temporaryFolder } from './temporary-folder.js'
import { errno } from './watched-disk.js'

const onDisk =
  (disk: Disk) =>
  async (t: ExecutionContext): Promise<ObjectStore> =>
    openLocalStore({ root: await temporaryFolder(t), disk })

const withoutLinks: Disk = { ...localDisk, link: () => Promise.reject(errno('EPERM')) }
const writingHalves: Disk = {
  ...localDisk,
  write: async (file, chunks) => {
    const [first = Buffer.alloc(0)] = chunks
    const half = first.subarray(0, Math.ceil(first.byteLength / 2))
    return localDisk.write(file, [half])
  },
}
const withoutFolderSync: Disk = {
  ...localDisk,
  sync: async (file) => {
    if (fstatSync(file).isDirectory()) throw errno('EINVAL')
    await localDisk.sync(file)
  },
}

for (const behaviour of Object.keys(behaviours)) {
  test('local', conforms, onDisk(localDisk), behaviour)
  test('local without hard links', conforms, onDisk(withoutLinks), behaviour)
  test('local with short writes', conforms, onDisk(writingHalves), behaviour)
  test('local without synced folders', conforms, onDisk(withoutFolderSync), behaviour)
}
