/** Knows one test's own little world: a folder, its programs' surroundings, and that all of it goes away again. */
import type { ExecutionContext } from 'ava'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atExit } from './at-exit.js'
import { Child, type Ended } from './child.js'
import { clientPath, clientVersion, type ResticVersion } from './clients.js'
import { copyEmptyRepository } from './empty-repository.js'
import { Forwarder, type ForwarderOptions } from './forwarder.js'
import { throughRclone } from './rclone.js'
import { lightenKey } from './light-key.js'
import { TestMount } from './test-mount.js'
import { gatewayCommand, startGateway, startRestServer, type Service } from './service.js'

export const PASSWORD = 'correct horse'
const END_MS_MAX = 15 * 60_000

export interface ResticOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly isStdinOpen?: boolean
  /** Separate homes have separate caches; programs of one home are the same user on the same machine. */
  readonly home?: string
}

export interface ServeOptions {
  readonly port?: number
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** See ServiceOptions. */
  readonly under?: readonly [string, ...string[]]
}

const worlds = new Set<World>()

/** A test process that crashes runs no teardown; its children have been killed by then. */
atExit(() => {
  for (const world of worlds) world.abandon()
})

export class World {
  readonly folder: string
  /** Where services of this world keep their repositories. */
  readonly repositories: string
  /** Through which door restic goes to addresses of the gateway; WebDAV is spoken by an rclone that restic starts. */
  speaks: 'rest' | 'webdav' = 'rest'
  readonly #children = new Set<Child>()
  readonly #services = new Set<Service>()
  readonly #forwarders = new Set<Forwarder>()
  readonly #mounts = new Set<TestMount>()
  readonly #closers: (() => void)[] = []

  readonly #env: Readonly<Record<string, string>>

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder
    this.#env = env
    this.repositories = join(folder, 'repositories')
  }

  /** A fresh world, closed when the test ends, whatever its outcome; `env` is for every program in it. */
  static async open(
    t: Pick<ExecutionContext, 'teardown'>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), 'lockkeeper-test-')), env)
    worlds.add(world)
    t.teardown(() => world.close())
    for (const name of ['repositories', 'tmp']) await mkdir(world.path(name))
    return world
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names)
  }

  /** The environment of every program: nothing of the user's own but the way to find programs. */
  environment(home = 'home'): Readonly<Record<string, string>> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.path(home),
      TMPDIR: this.path('tmp'),
      // Programs in Go that live for a moment need not tidy up so often.
      GOGC: '400',
      RESTIC_PASSWORD: PASSWORD,
      RESTIC_CACHE_DIR: this.path(home, 'cache'),
      ...this.#env,
    }
  }

  async gateway(options: ServeOptions = {}): Promise<Service> {
    return this.#serve(startGateway, options)
  }

  /** The real rest-server in the gateway's place. */
  async restServer(options: ServeOptions = {}): Promise<Service> {
    return this.#serve(startRestServer, options)
  }

  async #serve(start: typeof startGateway, options: ServeOptions): Promise<Service> {
    const env = { ...this.environment(), ...options.env }
    const service = await start({ ...options, folder: this.repositories, env })
    this.#services.add(service)
    return service
  }

  async forwarder(
    target: { readonly port: number },
    options?: ForwarderOptions,
  ): Promise<Forwarder> {
    const forwarder = await Forwarder.open(target, options)
    this.#forwarders.add(forwarder)
    return forwarder
  }

  /** Mounts a gateway's repositories, or those of a folder; resolves when they are there. */
  async mount(source: string, flags: readonly string[] = []): Promise<TestMount> {
    const mount = await TestMount.open(source, flags, this.environment())
    this.#mounts.add(mount)
    return mount
  }

  /** Starts restic; the test goes on at once. */
  restic(version: ResticVersion, args: readonly string[], options?: ResticOptions): Child {
    return this.command([clientPath(`restic-${version}`), ...args], options)
  }

  /** Starts any program in restic's surroundings. */
  command(words: readonly [string, ...string[]], options: ResticOptions = {}): Child {
    const [file, ...args] = words
    const { home, env, ...rest } = options
    const call = this.speaks === 'rest' ? { args, env: {} } : throughRclone(args)
    const child = new Child(file, call.args, {
      ...rest,
      env: { ...this.environment(home), ...call.env, ...env },
    })
    this.#children.add(child)
    return child
  }

  /**
   * How a program ended. Behind rclone restic tries again for a quarter of an hour what was refused for good; once it
   * was told, nobody needs to see that.
   */
  async endOf(child: Child): Promise<Ended> {
    if (this.speaks === 'webdav') {
      const hasEnded = child.ended.then(() => true)
      await Promise.race([
        hasEnded,
        child.says(/\bfenced: /, END_MS_MAX).catch(() => undefined),
      ])
      if (!child.isOver && /\bfenced: /.test(child.output)) return child.kill()
    }
    return child.ended
  }

  /** Runs restic to its end, which must be exit code 0. */
  async run(
    version: ResticVersion,
    args: readonly string[],
    options?: ResticOptions,
  ): Promise<Ended> {
    return expectSuccess(this.restic(version, args, options))
  }

  /**
   * Makes a repository straight in the services' folder, with a key that opens quickly; answers its folder. What the
   * services find there is an existing repository to adopt. A story about `init` itself runs restic's own.
   */
  async repository(
    version: ResticVersion,
    name = 'repo',
    flags: readonly string[] = [],
  ): Promise<string> {
    const folder = join(this.repositories, name)
    const make = async (empty: string): Promise<void> => {
      await this.run(version, ['-r', empty, 'init', ...flags])
      await lightenKey(empty, PASSWORD)
    }
    const isOnly = name === 'repo'
    const kind = [clientVersion(`restic-${version}`), ...flags, PASSWORD].join(' ')
    if (isOnly) await copyEmptyRepository(kind, make, folder)
    else await make(folder)
    return folder
  }

  /** Runs one of the gateway's own commands on this world's repositories to its end. */
  async lockkeeper(...args: readonly string[]): Promise<Ended> {
    const [file, ...rest] = gatewayCommand([...args, '--path', this.repositories])
    const child = new Child(file, rest, { env: this.environment() })
    this.#children.add(child)
    return child.ended
  }

  /** To be called when the world closes, after its programs have ended and before its folder goes. */
  onClose(close: () => void): void {
    this.#closers.push(close)
  }

  /** Clears away what a test process that crashed leaves; its programs have been killed. */
  abandon(): void {
    this.#runClosers()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #runClosers(): void {
    for (const close of this.#closers.splice(0)) close()
  }

  async close(): Promise<void> {
    // Whoever waits for an answer on a mount cannot be killed while it is there.
    await Promise.all([...this.#mounts].map((mount) => mount.close()))
    for (const forwarder of this.#forwarders) forwarder.close()
    const services = [...this.#services].map((service) => service.child)
    await Promise.all([...this.#children, ...services].map((child) => child.kill()))
    this.#runClosers()
    await rm(this.folder, { recursive: true, force: true })
    worlds.delete(this)
  }
}

/** Waits for the end; throws with all that was said unless the exit code is 0. */
export const expectSuccess = async (child: Child): Promise<Ended> => {
  const ended = await child.ended
  if (ended.code === 0) return ended
  throw new Error(
    `${child.command}: ${ended.signal ?? `exit ${ended.code ?? '?'}`}\n${child.output}`,
  )
}
