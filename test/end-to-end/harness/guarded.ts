/** Knows a repository behind the gateway, as the tests of restic's own commands use it. */
import { basename } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Child, Ended } from './child.js'
import type { ResticVersion } from './clients.js'
import { contentsOf, differences } from './content.js'
import { backUp, soundness, type Saved } from './soundness.js'
import { statusOf } from './facts.js'
import type { Service } from './service.js'
import { expectSuccess, World, type ResticOptions } from './world.js'

export class Guarded {
  readonly world: World
  readonly version: ResticVersion
  readonly gateway: Service
  readonly folder: string

  constructor(world: World, version: ResticVersion, gateway: Service, folder: string) {
    this.world = world
    this.version = version
    this.gateway = gateway
    this.folder = folder
  }

  static async open(
    t: ExecutionContext,
    version: ResticVersion,
    initFlags?: readonly string[],
  ): Promise<Guarded> {
    const world = await World.open(t)
    const folder = await world.repository(version, 'repo', initFlags)
    return new Guarded(world, version, await world.gateway(), folder)
  }

  get url(): string {
    return this.gateway.url(basename(this.folder))
  }

  start(args: readonly string[], options?: ResticOptions): Child {
    return this.world.restic(this.version, ['-r', this.url, ...args], options)
  }

  async run(...args: readonly string[]): Promise<Ended> {
    return expectSuccess(this.start(args))
  }

  async backUp(folder = 'files', flags: readonly string[] = []): Promise<Saved> {
    return backUp(this.world, this.version, this.url, this.world.path(folder), flags)
  }

  /** Restores through the gateway; answers what differs. */
  async restore({ snapshot, contents }: Saved): Promise<readonly string[]> {
    const target = this.world.path('restored', snapshot)
    await this.run('restore', snapshot, '--target', target)
    return differences(contents, await contentsOf(target))
  }

  /** The ids of the snapshots, by restic. */
  async snapshots(): Promise<readonly string[]> {
    const { stdout } = await this.run('list', 'snapshots')
    return stdout.split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line))
  }

  /** All that is wrong: with the repository, or with a gateway that should have had nothing to refuse. */
  async problems(saved: readonly Saved[], generation: number): Promise<readonly string[]> {
    const name = basename(this.folder)
    const status = (await statusOf(this.world)).find((one) => one.name === name)
    const facts = { generation: status?.generation, quarantined: status?.quarantined.count }
    const isAsExpected = facts.generation === generation && facts.quarantined === 0
    return [
      ...(await soundness(this.world, this.folder, saved)),
      ...(isAsExpected
        ? []
        : [`not generation ${generation} with nothing refused: ${JSON.stringify(facts)}`]),
    ]
  }
}
