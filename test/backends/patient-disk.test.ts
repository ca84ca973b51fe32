/** A disk that hangs keeps to its share of the threads, and whoever comes after is told at once; other disks go on. */
import test from 'ava'
import { statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { localDisk, type Disk } from '../../backends/local/disk.js'
import { hasErrno } from '../../backends/local/faults.js'
import { patientDisk } from '../../backends/local/patient-disk.js'

const patienceMs = 300
const found = statSync('/')

/** Calls below /disk/sick wait until they are let go. */
class Hanging {
  begun: string[] = []
  #letGo: (() => void)[] = []

  readonly disk: Disk = {
    ...localDisk,
    stat: async (path) => {
      await this.#reach(path)
      return found
    },
    unlink: (path) => this.#reach(path),
    open: async (path) => {
      await this.#reach(path)
      return 1_000_000
    },
    close: async () => {
      this.begun.push('close')
    },
    letGo: () => {
      this.begun.push('let go')
    },
    write: async () => {
      await this.#reach('/disk/sick/write')
      return 1
    },
  }

  async #reach(path: string): Promise<void> {
    this.begun.push(path)
    if (path.startsWith('/disk/sick')) {
      await new Promise<void>((resolve) => this.#letGo.push(resolve))
    }
  }

  answer(): void {
    for (const each of this.#letGo.splice(0)) each()
  }
}

function build(): { hanging: Hanging; disk: Disk } {
  const hanging = new Hanging()
  const options = { disk: hanging.disk, root: '/disk', patienceMs, threads: 4 }
  return { hanging, disk: patientDisk(options) }
}

/** What hangs keeps a real process alive. */
const alive = setInterval(() => undefined, 1000)
test.after.always(() => clearInterval(alive))

const isTooLate = (error: unknown): boolean => hasErrno(error, 'ETIMEDOUT')
const failed = async (act: Promise<unknown>): Promise<boolean> =>
  act.then(() => false, isTooLate)

test('a disk that hangs is asked by three of four threads, and another is reached', async (t) => {
  const { hanging, disk } = build()
  const asked = Array.from({ length: 20 }, () => failed(disk.stat('/disk/sick/file')))
  await disk.stat('/disk/well/file')
  t.is(hanging.begun.filter((path) => path.startsWith('/disk/sick')).length, 3)
  t.true((await Promise.all(asked)).every((each) => each))
  const before = performance.now()
  t.true(await failed(disk.stat('/disk/sick/later')), 'told at once')
  t.true(await failed(disk.unlink('/disk/sick/later')))
  t.true(performance.now() - before < patienceMs / 2)
  t.false(hanging.begun.includes('/disk/sick/later'))
  await disk.stat('/disk/well/file')
  hanging.answer()
  await delay(0)
  const again = disk.unlink('/disk/sick/again')
  await delay(0)
  hanging.answer()
  await t.notThrowsAsync(again)
})

test('what changes something is not given up once it has begun', async (t) => {
  const { hanging, disk } = build()
  let isDone = false
  const unlinked = disk.unlink('/disk/sick/file').then(() => (isDone = true))
  t.true(await failed(disk.stat('/disk/sick/file')))
  t.false(isDone)
  hanging.answer()
  t.true(await unlinked)
})

test('what is opened too late is let go of, and a file is closed only once nothing is on its way to it', async (t) => {
  const { hanging, disk } = build()
  t.true(await failed(disk.open('/disk/sick/file', 0)))
  hanging.answer()
  await delay(0)
  t.deepEqual(hanging.begun, ['/disk/sick/file', 'let go'])

  const opening = disk.open('/disk/sick/file', 0)
  hanging.answer()
  const file = await opening
  const writing = disk.write(file, [])
  await delay(patienceMs + 50)
  hanging.begun = []
  await disk.close(file)
  t.deepEqual(hanging.begun, [])
  hanging.answer()
  await writing
  await delay(10)
  t.deepEqual(hanging.begun, ['close'])
})
