/** Knows the place of a set-up: one repository behind one server, and machines at addresses of their own. */
import { setTimeout as delay } from 'node:timers/promises'
import { ALL_RESTIC_VERSIONS, type ResticVersion } from '../end-to-end/harness/clients.js'
import { MIB, randomBytes, writeFiles } from '../end-to-end/harness/content.js'
import { statusOf } from '../end-to-end/harness/facts.js'
import type { Service } from '../end-to-end/harness/service.js'
import { eventually } from '../end-to-end/harness/wait.js'
import type { World } from '../end-to-end/harness/world.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'
import { hasUploadedPack, type Outcome, type Run } from './run.js'

export type ServerKind = 'gateway' | 'rest-server'

export interface Machine {
  readonly name: string
  /** The source address of its connections. */
  readonly address: string
  readonly version: ResticVersion
}

export interface StartOptions {
  readonly cwd?: string
  readonly isStdinOpen?: boolean
}

/** A `backup --stdin` that has uploaded a pack and waits for more input. */
export interface Held {
  readonly run: Run
  /** Feeds what is left, ends the input, and waits for the run's end. */
  readonly finish: () => Promise<Outcome>
}

export interface SceneOptions {
  /** A run that is awaited for longer is killed. */
  readonly runMsMax: number
  /** With a key that opens in milliseconds; else with restic's own, which takes half a second. */
  readonly isLight?: boolean
  /** Each machine mounts the repositories, and its runs work in the folder. */
  readonly isMounted?: boolean
}

/** How a machine reaches the repository: what restic is given for it, and all that is asked there. */
interface Way {
  readonly address: string
  readonly line: Forwarder
  /** It is a run's own, and goes with it. */
  readonly isOwn: boolean
}

const REPOSITORY = 'repo'
/** Small packs, so that a pack is uploaded soon. */
const PACK_FLAGS = ['--pack-size', '4']
const HELD_MIB_MAX = 40

const machineAt = (index: number): Machine => ({
  name: `machine-${index + 1}`,
  // Three of them share an address, as machines behind one router do.
  address: index % 6 < 3 ? '127.0.0.11' : `127.0.0.${12 + index}`,
  version: ALL_RESTIC_VERSIONS[index % ALL_RESTIC_VERSIONS.length] ?? '0.19',
})

export class Scene {
  readonly world: World
  readonly kind: ServerKind
  readonly server: Service
  readonly runs: Run[] = []
  /** Who looks after the repository, at an address of its own. */
  readonly admin: Machine = { name: 'admin', address: '127.0.0.99', version: '0.18' }
  /** What went wrong that no figure says. */
  readonly problems: string[] = []
  readonly #outside = new Set<Run>()
  #seeds = 0

  readonly #options: SceneOptions
  readonly #mounts = new Map<string, Promise<Way>>()

  private constructor(world: World, kind: ServerKind, server: Service, options: SceneOptions) {
    this.#options = options
    this.world = world
    this.kind = kind
    this.server = server
  }

  static async open(world: World, kind: ServerKind, options: SceneOptions): Promise<Scene> {
    const folder = `${world.repositories}/${REPOSITORY}`
    if (options.isLight) await world.repository('0.14', REPOSITORY)
    else await world.run('0.14', ['-r', folder, 'init'])
    const server = kind === 'gateway' ? await world.gateway() : await world.restServer()
    return new Scene(world, kind, server, options)
  }

  /** What a run prints whose writes are fenced: on a mount there is nothing but an error's number. */
  get toldWith(): RegExp {
    return this.#options.isMounted === true ? /permission denied/ : /\bfenced: /
  }

  /** Machines with the versions in turn. */
  machines(count: number): readonly Machine[] {
    return Array.from({ length: count }, (_, index) => machineAt(index))
  }

  /** Starts restic at the machine; the run counts. */
  async start(
    machine: Machine,
    args: readonly [string, ...string[]],
    options: StartOptions = {},
  ): Promise<Run> {
    const { address, line, isOwn } = await this.#way(machine)
    const child = this.world.restic(machine.version, ['-r', address, ...args], {
      ...options,
      home: machine.name,
    })
    if (isOwn) void child.ended.then(() => line.refuse())
    const startedAtMs = performance.now()
    const run: Run = {
      command: args[0],
      version: machine.version,
      child,
      line,
      startedAtMs,
    }
    this.runs.push(run)
    return run
  }

  async #way(machine: Machine): Promise<Way> {
    // What restic would name had it no line of its own, for a host is a constant of a process.
    const host = `127.0.0.1:${this.server.port}`
    const open = (): Promise<Forwarder> =>
      this.world.forwarder(this.server, { outgoing: machine.address, host })
    if (this.#options.isMounted !== true || this.kind !== 'gateway') {
      const line = await open()
      return { address: line.url(REPOSITORY), line, isOwn: true }
    }
    const mounted = async (): Promise<Way> => {
      const line = await open()
      const mount = await this.world.mount(`http://127.0.0.1:${line.port}/`)
      return { address: mount.path(REPOSITORY), line, isOwn: false }
    }
    const way = this.#mounts.get(machine.name) ?? mounted()
    this.#mounts.set(machine.name, way)
    return way
  }

  /** Waits for a run's end. */
  async end(run: Run): Promise<Outcome> {
    const over = new AbortController()
    let isKilled = false
    delay(this.#options.runMsMax, undefined, { signal: over.signal }).then(
      () => {
        isKilled = true
        run.child.signal('SIGKILL')
      },
      () => undefined,
    )
    const ended = await this.world.endOf(run.child)
    over.abort()
    run.outcome = { ended, atMs: performance.now(), isKilled }
    return run.outcome
  }

  async run(machine: Machine, ...args: readonly [string, ...string[]]): Promise<Outcome> {
    return this.end(await this.start(machine, args))
  }

  /** For what a set-up rests on. */
  async need(machine: Machine, ...args: readonly [string, ...string[]]): Promise<void> {
    const { ended } = await this.run(machine, ...args)
    if (ended.code !== 0) throw new Error(`${args.join(' ')}: ${ended.stderr}`)
  }

  /** Backs up the machine's files, of which some are new. */
  async backUp(machine: Machine, ...flags: readonly string[]): Promise<Outcome> {
    const cwd = this.world.path(machine.name, 'files')
    await writeFiles(cwd, this.#seed(), {
      [`folder-${this.#seeds}/new`]: 200_000,
      changed: 1000,
    })
    return this.end(await this.start(machine, ['backup', ...flags, '.'], { cwd }))
  }

  /** Starts a backup of what is fed to it, and feeds until it has uploaded a pack. */
  async hold(machine: Machine): Promise<Held> {
    const args = [...PACK_FLAGS, '--stdin', '--stdin-filename', machine.name] as const
    const run = await this.start(machine, ['backup', ...args], { isStdinOpen: true })
    const seed = this.#seed()
    const isUploaded = (): boolean => {
      if (run.child.isOver) throw new Error(`${machine.name} ended:\n${run.child.output}`)
      return hasUploadedPack(run)
    }
    for (let count = 0; count < HELD_MIB_MAX && !isUploaded(); count++)
      await run.child.feed(randomBytes(`${seed}/${count}`, MIB))
    await eventually(() => `a pack of ${machine.name}:\n${run.line.describe()}`, isUploaded)
    const finish = async (): Promise<Outcome> => {
      await run.child.feed(randomBytes(`${seed}/rest`, MIB))
      run.child.endInput()
      return this.end(run)
    }
    return { run, finish }
  }

  /** A backup that idles so long in the middle that its connections are gone. */
  async idle(machine: Machine, idleMs: number): Promise<Outcome> {
    const { finish } = await this.hold(machine)
    await delay(idleMs)
    return finish()
  }

  /** A run that is no rightful client's: it was overtaken, or is killed by intent. */
  leaveOut(run: Run): void {
    this.#outside.add(run)
  }

  isOutside(run: Run): boolean {
    return this.#outside.has(run)
  }

  /** How many runs the gateway takes for living, without those whose client has closed all; nobody knows of rest-server. */
  async living(): Promise<number> {
    if (this.kind !== 'gateway') return 0
    const status = await statusOf(this.world)
    return status.reduce(
      (sum, { writers }) => sum + writers.filter(({ state }) => state !== 'gone').length,
      0,
    )
  }

  #seed(): string {
    return `${this.server.port}/${++this.#seeds}`
  }
}
