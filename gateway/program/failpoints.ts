/**
 * Knows how a test kills the gateway, or lets a call fail, at a named place of the commit protocol. Loaded only where
 * LOCKKEEPER_FAILPOINT is set: `PLACE:FROM[-TO][:ERRNO]`, e.g. `after-link:3` (killed at the third) or
 * `before-sync:2-9:EIO`.
 */
import { statSync } from 'node:fs'
import { faultOf } from '../../backends/local/faults.js'
import { localDisk, type Disk } from '../../backends/local/disk.js'
import type { JournalStore, ObjectStore } from '../../fencing/ports.js'
import { bound } from './observed-journal.js'
import { StartError } from './start-error.js'

export interface Failpoints {
  readonly disk: Disk
  readonly store: (store: ObjectStore) => ObjectStore
  readonly journal: (journal: JournalStore, file: string) => JournalStore
}

/** Calls of the disk, the store and the journal; each has a place before it and one after it. */
const calls = ['write', 'sync', 'link', 'rename', 'unlink'] as const
const steps = ['stage', 'publish', 'keep', 'remove', 'discard', 'append', 'settle'] as const
/** Once the log of the journal has been written to, and not yet made durable. */
const withinTransaction = 'during-append'

/** Another thread writes it, within milliseconds. */
const logWaitMs = 5_000

export const failpointPlaces: readonly string[] = [
  ...[...calls, ...steps].flatMap((name) => [`before-${name}`, `after-${name}`]),
  withinTransaction,
]

interface Failpoint {
  readonly place: string
  readonly from: number
  readonly to: number
  /** Absent where the process is to die. */
  readonly errno?: string
}

/** Throws a StartError for what is no failpoint, so that none is thought to be set that is not. */
export function parseFailpoint(text: string): Failpoint {
  const match = /^([a-z-]+):(\d{1,9})(?:-(\d{1,9}))?(?::(E[A-Z]{2,15}))?$/.exec(text)
  const [, place = '', from = '', to = from, errno] = match ?? []
  if (!failpointPlaces.includes(place)) {
    throw new StartError(
      `LOCKKEEPER_FAILPOINT "${text}" is for tests only, and is PLACE:FROM[-TO][:ERRNO]; unset it. ` +
        `Places are ${failpointPlaces.join(', ')}`,
    )
  }
  const point = { place, from: Number(from), to: Number(to) }
  return errno === undefined ? point : { ...point, errno }
}

export function failpointsOf(text: string): Failpoints {
  const counter = new Counter(parseFailpoint(text))
  return {
    disk: failingDisk(counter),
    store: (store) => failingStore(store, counter),
    journal: (journal, file) => failingJournal(journal, file, counter),
  }
}

class Counter {
  readonly #point: Failpoint
  #count = 0

  constructor(point: Failpoint) {
    this.#point = point
  }

  /** Counts the place; answers whether what is to happen there is to happen now. */
  isDue(place: string): boolean {
    if (place !== this.#point.place) return false
    this.#count += 1
    return this.#count >= this.#point.from && this.#count <= this.#point.to
  }

  hit(place: string): void {
    if (!this.isDue(place)) return
    const { errno } = this.#point
    if (errno === undefined) die()
    throw Object.assign(new Error(`${errno} at the failpoint ${place}`), { code: errno })
  }

  async around<T>(name: string, act: () => Promise<T>): Promise<T> {
    this.hit(`before-${name}`)
    const answer = await act()
    this.hit(`after-${name}`)
    return answer
  }

  /** For those whose faults are BackendErrors. */
  async step<T>(name: string, act: () => Promise<T>): Promise<T> {
    try {
      return await this.around(name, act)
    } catch (error) {
      throw error instanceof Error && error.message.includes('at the failpoint')
        ? faultOf(error, name)
        : error
    }
  }
}

/** As the power cord would; nothing runs any more, not even what is queued. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function failingDisk(counter: Counter): Disk {
  return {
    ...localDisk,
    write: (file, chunks) => counter.around('write', () => localDisk.write(file, chunks)),
    sync: (file) => counter.around('sync', () => localDisk.sync(file)),
    link: (from, to) => counter.around('link', () => localDisk.link(from, to)),
    rename: (from, to) => counter.around('rename', () => localDisk.rename(from, to)),
    unlink: (path) => counter.around('unlink', () => localDisk.unlink(path)),
  }
}

function failingStore(store: ObjectStore, counter: Counter): ObjectStore {
  const { unlink, stageOutside } = store
  return {
    ...store,
    stage: (...args) => counter.step('stage', () => store.stage(...args)),
    publish: (...args) => counter.step('publish', () => store.publish(...args)),
    keep: (...args) => counter.step('keep', () => store.keep(...args)),
    remove: (...args) => counter.step('remove', () => store.remove(...args)),
    discard: (...args) => counter.step('discard', () => store.discard(...args)),
    ...(unlink === undefined
      ? {}
      : { unlink: (...args) => counter.step('remove', () => unlink(...args)) }),
    ...(stageOutside === undefined
      ? {}
      : { stageOutside: (...args) => counter.step('stage', () => stageOutside(...args)) }),
  }
}

function failingJournal(journal: JournalStore, file: string, counter: Counter): JournalStore {
  return {
    ...bound(journal),
    append: (batch) =>
      counter.step('append', () => {
        if (!counter.isDue(withinTransaction)) return journal.append(batch)
        const log = `${file}-wal`
        const before = writtenAt(log)
        const appended = journal.append(batch)
        const deadline = performance.now() + logWaitMs
        while (writtenAt(log) === before && performance.now() < deadline) continue
        die()
        return appended
      }),
    settle: (...args) => counter.step('settle', () => journal.settle(...args)),
  }
}

function writtenAt(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs
}
