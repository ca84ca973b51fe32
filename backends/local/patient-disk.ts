/**
 * Decides what becomes of calls to a disk that does not answer: they take no more than their share of the threads that
 * all disks are reached by, and whoever comes after them is told at once instead of waiting too.
 */
import type { Descriptor, Disk } from './disk.js'

/** A disk that slept needs some ten seconds to turn again. */
const patienceMs = 15_000
/** Of Node, where nobody says otherwise. */
const standardThreads = 4

export interface PatientDiskOptions {
  readonly disk: Disk
  /** Of each folder below it, calls belong together: what hangs for one of them hangs for all. */
  readonly root: string
  readonly patienceMs?: number
  readonly threads?: number
}

interface Call {
  /** By performance.now(). */
  readonly begunAt: number
  /** Only where it changes nothing: to be called where its answer is not waited for any more. */
  readonly giveUp: ((fault: Error) => void) | undefined
  isOver: boolean
}

interface Looking<T> {
  /** Takes an answer that nobody waits for any more. */
  readonly tooLate?: (answer: T) => void
}

interface Waiting {
  readonly enter: () => void
  readonly leave: (fault: Error) => void
}

/** One folder below the root, which may be a disk of its own. */
class Place {
  readonly #name: string
  readonly #patienceMs: number
  /** Those under way, the oldest first. */
  readonly #calls = new Set<Call>()
  readonly #callsMax: number
  #waiting: Waiting[] = []
  #whenQuiet: (() => void)[] = []
  #watching: NodeJS.Timeout | undefined

  constructor(name: string, patience: number, callsMax: number) {
    this.#name = name
    this.#patienceMs = patience
    this.#callsMax = callsMax
  }

  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#waiting.length === 0
  }

  /** A call has not been answered for too long: until it is, nothing new is begun, so nothing overtakes it. */
  get isHung(): boolean {
    return this.hasWaited(this.#patienceMs)
  }

  /** Whether a call under way has taken so long already. */
  hasWaited(ms: number): boolean {
    const [oldest] = this.#calls
    return oldest !== undefined && performance.now() - oldest.begunAt >= ms
  }

  /** With `looking` it changes nothing, so it is given up while it is still under way. */
  run<T>(act: () => Promise<T>, looking?: Looking<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        const call = {
          begunAt: performance.now(),
          giveUp: looking === undefined ? undefined : reject,
          isOver: false,
        }
        this.#calls.add(call)
        this.#watching ??= setTimeout(() => this.#watch(), this.#patienceMs / 3).unref()
        act().then(
          (answer) => {
            this.#end(call)
            if (call.isOver) looking?.tooLate?.(answer)
            else resolve(answer)
          },
          (error: unknown) => {
            this.#end(call)
            reject(error instanceof Error ? error : new Error(String(error)))
          },
        )
      }
      if (this.isHung) reject(this.#fault())
      else if (this.#calls.size < this.#callsMax) enter()
      else this.#waiting.push({ enter, leave: reject })
    })
  }

  /** Resolves when no call is under way. */
  async quiet(): Promise<void> {
    if (this.#calls.size === 0) return
    await new Promise<void>((resolve) => this.#whenQuiet.push(resolve))
  }

  #end(call: Call): void {
    this.#calls.delete(call)
    this.#waiting.shift()?.enter()
    if (this.#calls.size > 0) return
    for (const each of this.#whenQuiet.splice(0)) each()
  }

  #watch(): void {
    this.#watching = undefined
    if (this.isHung) this.#giveUpAll()
    if (this.isIdle) return
    this.#watching = setTimeout(() => this.#watch(), this.#patienceMs / 3).unref()
  }

  /** Whoever is let go of in the line has begun nothing. */
  #giveUpAll(): void {
    const fault = this.#fault()
    for (const { leave } of this.#waiting.splice(0)) leave(fault)
    for (const call of this.#calls) {
      if (call.giveUp === undefined) continue
      call.isOver = true
      call.giveUp(fault)
    }
  }

  #fault(): Error {
    const seconds = Math.round(this.#patienceMs / 1000)
    const what = `the disk of "${this.#name}" has not answered for ${seconds} s`
    return Object.assign(new Error(what), { code: 'ETIMEDOUT' })
  }
}

const looking = {}
const allPlaces = new Set<Map<string, Place>>()

/** Whether a thread of this process has waited for a disk for so long: no process ends while one does, unless it is killed. */
export function hasWaitedForDisk(ms: number): boolean {
  return [...allPlaces].some((places) => {
    return [...places.values()].some((place) => place.hasWaited(ms))
  })
}

export function patientDisk(options: PatientDiskOptions): Disk {
  const { disk, root } = options
  const threads = options.threads ?? Number(process.env.UV_THREADPOOL_SIZE ?? standardThreads)
  // Whatever hangs, the others are left half of the threads, and one where there are few.
  const callsMax = threads >= 2 * standardThreads ? threads / 2 : Math.max(1, threads - 1)
  const places = new Map<string, Place>()
  allPlaces.add(places)
  const openIn = new Map<Descriptor, Place>()
  const at = (path: string): Place => {
    const name = firstFolderBelow(root, path)
    const known = places.get(name)
    if (known !== undefined) return known
    forgetIdle(places)
    const place = new Place(name, options.patienceMs ?? patienceMs, callsMax)
    places.set(name, place)
    return place
  }
  const through = <T>(file: Descriptor, act: () => Promise<T>): Promise<T> =>
    openIn.get(file)?.run(act) ?? act()
  /** Its number is given to the next file, so it is closed once no call is on its way to it. */
  const close = async (file: Descriptor): Promise<void> => {
    const place = openIn.get(file)
    openIn.delete(file)
    if (place?.isHung !== true) return disk.close(file)
    void place.quiet().then(() => disk.close(file).catch(() => undefined))
  }
  return {
    open: async (path, flags, mode) => {
      const place = at(path)
      const open = (): Promise<Descriptor> => disk.open(path, flags, mode)
      const isNew = mode !== undefined
      const file = await (isNew ? place.run(open) : place.run(open, { tooLate: disk.letGo }))
      openIn.set(file, place)
      return file
    },
    read: (file, buffer, position) => through(file, () => disk.read(file, buffer, position)),
    write: (file, chunks) => through(file, () => disk.write(file, chunks)),
    sync: (file) => through(file, () => disk.sync(file)),
    close,
    letGo: (file) => {
      if (openIn.get(file)?.isHung === true) void close(file)
      else {
        openIn.delete(file)
        disk.letGo(file)
      }
    },
    link: (from, to) => at(to).run(() => disk.link(from, to)),
    rename: (from, to) => at(to).run(() => disk.rename(from, to)),
    unlink: (path) => at(path).run(() => disk.unlink(path)),
    makeFolder: (path, mode) => at(path).run(() => disk.makeFolder(path, mode)),
    removeFolder: (path) => at(path).run(() => disk.removeFolder(path)),
    copy: (from, to) => at(to).run(() => disk.copy(from, to)),
    setModified: (path, modifiedMs) => at(path).run(() => disk.setModified(path, modifiedMs)),
    stat: (path) => at(path).run(() => disk.stat(path), looking),
    names: (folder) => at(folder).run(() => disk.names(folder), looking),
    entries: (folder) => at(folder).run(() => disk.entries(folder), looking),
    space: (folder) => at(folder).run(() => disk.space(folder), looking),
    realPath: (path) => at(path).run(() => disk.realPath(path), looking),
  }
}

/** A disk is mounted there, or above the root, more often than further down. What lies elsewhere is the gateway's own. */
function firstFolderBelow(root: string, path: string): string {
  if (!path.startsWith(root)) return ''
  const end = path.indexOf('/', root.length + 1)
  return end < 0 ? path.slice(root.length + 1) : path.slice(root.length + 1, end)
}

/** Who asks for names that are not there makes places too. */
const placesMax = 1_000

function forgetIdle(places: Map<string, Place>): void {
  if (places.size < placesMax) return
  for (const [name, place] of places) if (place.isIdle) places.delete(name)
}
