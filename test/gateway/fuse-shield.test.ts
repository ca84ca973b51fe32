/** What a mount that died leaves to the next: at no time the bare folder. */
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Beneath } from '../../gateway/fuse/beneath.js'
import { mountsAt } from '../../gateway/fuse/mount-table.js'
import { raiseShield } from '../../gateway/fuse/shield.js'
import { clearWay, detach, leftoverAt } from '../../gateway/fuse/unmounting.js'
import { canMount, MountFolder, removeLeftMounts } from '../end-to-end/harness/test-mount.js'
import { testWhere } from '../end-to-end/harness/test-with.js'

removeLeftMounts()

const folderFor = async (t: ExecutionContext): Promise<string> => {
  const folder = await MountFolder.make()
  t.teardown(() => folder.remove())
  return folder.path
}

/** A mount whose process has ended. */
const leaveDeadMount = (folder: string): void => {
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
  const script = 'mount -i -c -t fuse.lockkeeper -o "$2" lockkeeper "$1" 3<>/dev/fuse'
  execFileSync('sh', ['-c', script, 'sh', folder, options])
}

const sourcesAt = async (folder: string): Promise<string[]> =>
  (await mountsAt(folder)).map(({ source }) => source)

testWhere(canMount)('the way to a fresh folder is cleared by a shield', async (t) => {
  const folder = await folderFor(t)
  t.is(await leftoverAt(folder), 'none')
  await clearWay(folder)
  await clearWay(folder)
  t.deepEqual(await sourcesAt(folder), ['lockkeeper-shield'])
  t.is(await leftoverAt(folder), 'dead')
  await t.throwsAsync(mkdir(join(folder, 'repo')), { code: 'EROFS' })
  t.deepEqual(await readdir(folder), [])
  await detach(folder)
  t.is(await leftoverAt(folder), 'none')
  await mkdir(join(folder, 'repo'))
  const beneath = await Beneath.of(folder)
  await t.throwsAsync(async () => beneath?.expectEmpty(), { message: /not empty \(repo\)/ })
  await beneath?.close()
  await rm(join(folder, 'repo'), { recursive: true })
})

testWhere(canMount)('a dead mount is taken away from above its shield', async (t) => {
  const folder = await folderFor(t)
  await raiseShield(folder)
  leaveDeadMount(folder)
  t.is(await leftoverAt(folder), 'dead')
  await clearWay(folder)
  t.deepEqual(await sourcesAt(folder), ['lockkeeper-shield'])
})

testWhere(canMount)('a dead mount without a shield is covered by one', async (t) => {
  const folder = await folderFor(t)
  leaveDeadMount(folder)
  t.is(await leftoverAt(folder), 'dead')
  await clearWay(folder)
  t.deepEqual(await sourcesAt(folder), ['lockkeeper-shield', 'lockkeeper'])
  leaveDeadMount(folder)
  await clearWay(folder)
  t.deepEqual(await sourcesAt(folder), ['lockkeeper-shield', 'lockkeeper'], 'it does not grow')
  await detach(folder)
  t.deepEqual(await sourcesAt(folder), [])
})

testWhere(canMount)('what is mounted by others is left alone', async (t) => {
  const folder = await folderFor(t)
  execFileSync('mount', ['-i', '-t', 'tmpfs', 'somebody', folder])
  t.is(await leftoverAt(folder), 'foreign')
  await t.throwsAsync(clearWay(folder), { message: /something else/ })
  await detach(folder)
  t.deepEqual(await sourcesAt(folder), ['somebody'])
})

testWhere(canMount)('what came to lie beneath a mount meanwhile is named', async (t) => {
  const folder = await folderFor(t)
  const beneath = await Beneath.of(folder)
  await beneath?.expectEmpty()
  await writeFile(join(folder, 'pack'), 'x')
  await raiseShield(folder)
  t.deepEqual(await readdir(folder), [])
  t.is(await Beneath.of(folder), undefined, 'it is not to be seen from here')
  await t.throwsAsync(async () => beneath?.expectEmpty(), { message: /not empty \(pack\)/ })
  await beneath?.close()
  await detach(folder)
  await rm(join(folder, 'pack'))
})
