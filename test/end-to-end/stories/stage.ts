/**
 * Knows where every story plays: one repository behind one server, which all programs reach from one address and
 * without credentials, as on a laptop that also prunes. It has two backups; only the older one holds the photos.
 */
import { rm } from 'node:fs/promises'
import type { Child, Ended } from '../harness/child.js'
import type { ResticVersion } from '../harness/clients.js'
import { MIB, randomBytes, writeFiles } from '../harness/content.js'
import type { Forwarder } from '../harness/forwarder.js'
import type { Service } from '../harness/service.js'
import { startSleeper, type Sleeper } from '../harness/sleeper.js'
import { backUp, type Saved } from '../harness/soundness.js'
import type { World } from '../harness/world.js'

export const servers = ['gateway', 'rest-server'] as const
/** `mount`: the gateway again, and every program works on a mount of it, each with a line of its own. */
export type ServerKind = (typeof servers)[number] | 'mount'

const PHOTOS = 2 * MIB

type Place = Pick<Stage, 'world' | 'version' | 'kind' | 'server' | 'folder' | 'line'>

export class Stage {
  readonly world: World
  readonly version: ResticVersion
  readonly kind: ServerKind
  readonly server: Service
  /** The repository's folder, past any server. */
  readonly folder: string
  /** The way to the server of the one that sleeps. */
  readonly line: Forwarder
  readonly older: Saved
  readonly newer: Saved

  private constructor(place: Place, older: Saved, newer: Saved) {
    this.world = place.world
    this.version = place.version
    this.kind = place.kind
    this.server = place.server
    this.folder = place.folder
    this.line = place.line
    this.older = older
    this.newer = newer
  }

  static async set(world: World, version: ResticVersion, kind: ServerKind): Promise<Stage> {
    const folder = await world.repository(version)
    const server = await (kind === 'rest-server' ? world.restServer() : world.gateway())
    if (kind === 'mount') await mountOver(world, server)
    const line = await lineTo(world, server, kind)
    const files = world.path('files')
    const repository = server.url('repo')
    await writeFiles(files, 'kept', { letters: 2 * MIB, 'a/note': 1000 })
    await writeFiles(files, 'old', { photos: PHOTOS })
    const older = await backUp(world, version, repository, files)
    await rm(world.path('files', 'photos'))
    const newer = await backUp(world, version, repository, files)
    return new Stage({ world, version, kind, server, folder, line }, older, newer)
  }

  get url(): string {
    return this.server.url('repo')
  }

  /** Another way to the server, for one program alone. */
  async newLine(): Promise<Forwarder> {
    return lineTo(this.world, this.server, this.kind)
  }

  /** Starts restic on the repository, straight or on the sleeper's line. */
  start(args: readonly string[], line: { url: (name: string) => string } = this.server): Child {
    return this.world.restic(this.version, ['-r', line.url('repo'), ...args])
  }

  /** Runs restic on the repository to its end, which must be a success. */
  async run(...args: readonly string[]): Promise<Ended> {
    return this.world.run(this.version, ['-r', this.url, ...args])
  }

  /** A further backup, of a folder of its own, with the photos or without. */
  async backUp(name: string, content: 'with photos' | 'new' = 'new'): Promise<Saved> {
    const folder = this.world.path(name)
    await writeFiles(folder, name, { diary: MIB })
    if (content === 'with photos') await writeFiles(folder, 'old', { photos: PHOTOS })
    return backUp(this.world, this.version, this.url, folder)
  }

  /** A backup that has uploaded a pack, leans on the older backup's packs, and waits for more of its input. */
  async sleeper(seed = 'sleeper', line: Forwarder = this.line): Promise<Sleeper> {
    const { world, version, folder } = this
    const leansOn = randomBytes('old/photos', PHOTOS)
    const repository = line.url('repo')
    return startSleeper(world, { version, repository, folder, line, seed, leansOn })
  }
}

const lineTo = async (world: World, server: Service, kind: ServerKind): Promise<Forwarder> => {
  const line = await world.forwarder(server)
  if (kind === 'mount') await mountOver(world, line)
  return line
}

/** From here on the address of a repository is its folder on a mount. */
const mountOver = async (world: World, way: Forwarder | Service): Promise<void> => {
  const mount = await world.mount(`http://127.0.0.1:${way.port}/`)
  way.url = (repository) => mount.path(repository)
}

/** What an administrator does about a lock that has gone stale; `--remove-all` spares the tests its half hour. */
export const unlock = async (stage: Stage): Promise<void> => {
  await stage.run('unlock', '--remove-all')
}

/** Deletes what only the older backup needs, and what nothing names. */
export const prune = async (stage: Stage): Promise<void> => {
  await stage.run('forget', '--keep-last', '1', '--prune')
}
