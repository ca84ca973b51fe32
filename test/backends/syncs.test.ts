/** The syncs that no watched disk sees: of the journal's folder when it is made, and of archives. */
import test from 'ava'
import fs from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { localArchives } from '../../backends/local/archives.js'
import { closeDatabase, openDatabase } from '../../backends/sqlite/opening.js'
import { temporaryFolder } from './temporary-folder.js'

/** The paths that were synced, in order; what is open is looked up by its descriptor. */
const synced: string[] = []
const pathOf = (descriptor: number): string => fs.readlinkSync(`/proc/self/fd/${descriptor}`)

test.before(async () => {
  const { fsyncSync } = fs
  fs.fsyncSync = (descriptor) => {
    synced.push(pathOf(descriptor))
    fsyncSync(descriptor)
  }
  syncBuiltinESMExports()
  const handle = await open('/proc/self', 'r')
  const handles = Object.getPrototypeOf(handle) as typeof handle
  await handle.close()
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its handle
  const { sync } = handles
  handles.sync = async function () {
    synced.push(pathOf(this.fd))
    await sync.call(this)
  }
})

test.serial('the name of a new journal is synced, and the count of its records', async (t) => {
  const folder = await temporaryFolder(t)
  synced.length = 0
  const file = join(folder, 'journal.sqlite')
  closeDatabase(openDatabase(file))
  t.deepEqual(synced, [folder, `${file}-newest`, folder])
})

test.serial('an archive is synced before it gets its name, and then its name is', async (t) => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'state'))
  const folder = join(root, 'state', 'archive')
  synced.length = 0
  const lines = (async function* () {
    yield 'a record'
  })()
  await localArchives(folder).write('one', lines)
  t.deepEqual(synced, [join(root, 'state'), join(folder, 'one.new'), folder])
})
