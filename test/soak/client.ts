/** Knows one client of a soak: a user's machine that runs restic again and again, and is disturbed while it runs. */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Draw } from '../fuzz/http-input.js'
import { Child, type Ended } from '../end-to-end/harness/child.js'
import {
  clientPath,
  RESTIC_VERSIONS,
  type ResticVersion,
} from '../end-to-end/harness/clients.js'
import { contentsOf, writeFiles, type Contents } from '../end-to-end/harness/content.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'
import { gatewayCommand } from '../end-to-end/harness/service.js'
import { savedSnapshot, type Saved } from '../end-to-end/harness/soundness.js'
import type { World } from '../end-to-end/harness/world.js'
import { fateOf, type Act, type Tally } from './tally.js'

export interface SoakClientOptions {
  readonly world: World
  readonly line: Forwarder
  readonly index: number
  readonly draw: Draw
  readonly tally: Tally
}

/** Above this many, a client forgets before it backs up again: the end restores them all. */
const savedMax = 6
const kib = 1024

export class SoakClient {
  /** What it was told is saved, and has not begun to forget since. */
  saved: readonly Saved[] = []
  /** What it has tried to forget: gone, or as whole as the others. */
  forgotten: readonly Saved[] = []
  readonly #options: SoakClientOptions
  readonly #version: ResticVersion
  #child: Child | undefined
  #round = 0
  #isAsleep = false
  #isLockedOut = false

  constructor(options: SoakClientOptions) {
    this.#options = options
    this.#version = RESTIC_VERSIONS[options.index % RESTIC_VERSIONS.length] ?? '0.18'
  }

  get version(): ResticVersion {
    return this.#version
  }

  /** Runs one thing after another; a run under way when the signal comes is left to `finish`. */
  async live(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      await this.#actOnce()
      await delay(this.#options.draw(500), undefined, { signal: ending }).catch(() => undefined)
    }
  }

  /** Stops the running client for a while, as a closed lid does; a sleep is cut short by `wake`. */
  async sleep(ms: number): Promise<void> {
    const child = this.#child
    if (child === undefined || this.#isAsleep) return
    this.#isAsleep = true
    child.signal('SIGSTOP')
    this.#options.tally.disturb('clients stopped and continued')
    await Promise.race([delay(ms), child.ended.catch(() => undefined)])
    child.signal('SIGCONT')
    this.#isAsleep = false
  }

  wake(): void {
    this.#child?.signal('SIGCONT')
  }

  killRunning(): void {
    this.#child?.signal('SIGKILL')
  }

  async #actOnce(): Promise<void> {
    const { draw } = this.#options
    // What kills clients leaves locks behind; a user would look after them.
    if (this.#isLockedOut && draw(2) === 0) return this.#unlock()
    if (this.saved.length >= savedMax) return this.#forget(draw(2) === 0)
    const dice = draw(100)
    if (dice < 62 || this.saved.length === 0) return this.#backUp()
    if (dice < 72) return this.#forget(false)
    if (dice < 84) return this.#forget(true)
    if (dice < 92)
      return this.#run('prune', ['prune', ...this.#pruneFlags()]).then(() => undefined)
    await this.#unlock()
  }

  async #unlock(): Promise<void> {
    const flags = this.#options.draw(3) === 0 ? ['--remove-all'] : []
    await this.#run('unlock', ['unlock', ...flags])
  }

  async #backUp(): Promise<void> {
    const { draw, world, index } = this.#options
    const folder = world.path('files', `client-${index}`)
    const contents = await this.#change(folder, draw)
    const ended = await this.#run(
      'backup',
      ['backup', '.', '--host', `client-${index}`],
      folder,
    )
    const snapshot = savedSnapshot(ended)
    if (ended.code !== 0 || snapshot === undefined) return
    this.saved = [...this.saved, { snapshot, contents }]
  }

  /** New files, files that all clients share (so that they lean on each other's packs), and files that go. */
  async #change(folder: string, draw: Draw): Promise<Contents> {
    this.#round += 1
    const slot = draw(6)
    const shared = draw(8)
    await writeFiles(folder, `client-${this.#options.index}/${this.#round}`, {
      [`own-${slot}`]: (1 + draw(700)) * kib,
      [`small-${slot}`]: draw(2 * kib),
    })
    await writeFiles(folder, 'shared', { [`shared-${shared}`]: 300 * kib })
    await rm(`${folder}/shared-${(shared + 3) % 8}`, { force: true })
    await rm(`${folder}/own-${(slot + 2) % 6}`, { force: true })
    return contentsOf(folder)
  }

  /** Whatever becomes of the run, the snapshot may be gone from its beginning on. */
  async #forget(andPrunes: boolean): Promise<void> {
    const [first, ...rest] = this.saved
    if (first === undefined) return
    this.saved = rest
    const prune = andPrunes ? ['--prune', ...this.#pruneFlags()] : []
    const act: Act = andPrunes ? 'forget and prune' : 'forget'
    const ended = await this.#run(act, ['forget', first.snapshot, ...prune])
    if (fateOf(ended) === 'locked') this.saved = [first, ...this.saved]
    else this.forgotten = [...this.forgotten, first]
  }

  #pruneFlags(): readonly string[] {
    return this.#options.draw(2) === 0 ? ['--max-unused', '0'] : []
  }

  async #run(act: Act, args: readonly string[], cwd?: string): Promise<Ended> {
    const child = this.#start(args, cwd)
    this.#child = child
    const ended = await child.ended
    this.#child = undefined
    const fate = fateOf(ended)
    this.#options.tally.note(act, fate, ended)
    this.#isLockedOut = fate === 'locked'
    return ended
  }

  /** One client in three is tagged: by `lockkeeper run`, or by hand. */
  #start(args: readonly string[], cwd?: string): Child {
    const { world, line, index, draw } = this.#options
    const home = `client-${index}`
    const where = cwd === undefined ? {} : { cwd }
    const retry = this.#version === '0.14' || draw(2) === 0 ? [] : ['--retry-lock', '20s']
    const words = [...retry, ...args]
    if (index % 3 !== 2) {
      return world.restic(this.#version, ['-r', line.url('repo'), ...words], { home, ...where })
    }
    if (draw(2) === 0) {
      const tagged = line.url(`-/w/${randomUUID()}/repo`)
      return world.restic(this.#version, ['-r', tagged, ...words], { home, ...where })
    }
    const restic = clientPath(`restic-${this.#version}`)
    return world.command(
      gatewayCommand(['run', '--', restic, '-r', line.url('repo'), ...words]),
      { home, ...where },
    )
  }
}
