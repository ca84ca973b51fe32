/** Knows how a command of restic is run on a repository behind rest-server, and heard on a line of its own. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ended } from '../end-to-end/harness/child.js'
import type { ResticVersion } from '../end-to-end/harness/clients.js'
import { writeFiles } from '../end-to-end/harness/content.js'
import type { Forwarder } from '../end-to-end/harness/forwarder.js'
import { PASSWORD, type World } from '../end-to-end/harness/world.js'
import type { Service } from '../end-to-end/harness/service.js'
import type { Command } from './commands.js'

export interface Heard {
  readonly line: Forwarder
  readonly ended: Ended
}

export class Asking {
  readonly world: World
  readonly version: ResticVersion
  readonly server: Service
  #seeds = 0

  private constructor(world: World, version: ResticVersion, server: Service) {
    this.world = world
    this.version = version
    this.server = server
  }

  /** A repository with two snapshots, and one of version 1 beside it. */
  static async open(world: World, version: ResticVersion): Promise<Asking> {
    const server = await world.restServer()
    await world.repository('0.14')
    await world.repository('0.14', 'old', ['--repository-version', '1'])
    await world.repository('0.14', 'other', ['--repository-version', '1'])
    const asking = new Asking(world, version, server)
    await mkdir(world.path('files'))
    await writeFile(world.path('password'), PASSWORD)
    for (const repository of ['repo', 'repo', 'old']) {
      await asking.change()
      await asking.hear(repository, ['backup', '.'])
    }
    return asking
  }

  async change(): Promise<void> {
    const seed = String(++this.#seeds)
    const sizes = { new: 200_000, changed: 1000, [`folder-${seed}/one`]: 50_000 }
    await writeFiles(this.world.path('files'), seed, sizes)
  }

  /** Runs it to its end, and until it has closed all its connections. */
  async hear(repository: string, args: readonly string[]): Promise<Heard> {
    const line = await this.world.forwarder(this.server)
    const words = ['-r', line.url(repository), ...args]
    const cwd = this.world.path('files')
    const ended = await this.world.restic(this.version, words, { cwd }).ended
    await line.deserted()
    line.refuse()
    return { line, ended }
  }

  async ask(command: Command): Promise<Heard> {
    const { needs, besideLock = false } = command
    if (needs === 'new files') await this.change()
    if (needs === 'damage') await this.#loseSnapshot()
    if (besideLock) await this.leaveLocks(1)
    const args = await Promise.all(command.args.map((word) => this.#fill(word)))
    if (needs === 'another repository') return this.#copy(args)
    const heard = await this.hear(needs === 'version 1' ? 'old' : 'repo', args)
    if (besideLock) await this.dropLocks()
    return heard
  }

  /** Locks of backups that were killed. */
  async leaveLocks(count: number): Promise<void> {
    for (let left = 0; left < count; left++) {
      const line = await this.world.forwarder(this.server)
      const args = ['-r', line.url('repo'), 'backup', '--stdin']
      const child = this.world.restic(this.version, args, { isStdinOpen: true })
      await line.answered('GET index/')
      await child.kill()
      line.close()
    }
  }

  async dropLocks(): Promise<void> {
    const folder = join(this.world.repositories, 'repo', 'locks')
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
  }

  async #copy(args: readonly string[]): Promise<Heard> {
    const from = `${this.world.repositories}/repo`
    const words = ['--from-repo', from, '--from-password-file', this.world.path('password')]
    return this.hear('other', [...args, ...words])
  }

  async #loseSnapshot(): Promise<void> {
    const folder = join(this.world.repositories, 'repo', 'snapshots')
    const [name] = await readdir(folder)
    if (name !== undefined) await rm(join(folder, name))
  }

  async #fill(word: string): Promise<string> {
    if (word === 'TARGET') return this.world.path('tmp', `restored-${++this.#seeds}`)
    if (word === 'PASSWORD') return this.world.path('password')
    if (word === 'SNAPSHOT') return this.#oneSnapshot()
    if (word === 'PACK') return this.#onePack()
    if (word === 'OTHER-KEY') return this.#otherKey()
    return word
  }

  async #oneSnapshot(): Promise<string> {
    const [name = ''] = await readdir(join(this.world.repositories, 'repo', 'snapshots'))
    return name
  }

  async #onePack(): Promise<string> {
    const names = await readdir(join(this.world.repositories, 'repo', 'data'), {
      recursive: true,
    })
    return (
      names.map((name) => name.slice(-64)).find((name) => /^[0-9a-f]{64}$/.test(name)) ?? ''
    )
  }

  /** A key that is not the one that restic opens with, which is the first that fits. */
  async #otherKey(): Promise<string> {
    const { ended } = await this.hear('repo', ['key', 'list', '--json'])
    const keys = JSON.parse(ended.stdout) as { id: string; current: boolean }[]
    return keys.find(({ current }) => !current)?.id ?? ''
  }
}
