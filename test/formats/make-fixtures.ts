/**
 * Makes the repositories of test/formats/fixtures anew with real clients: `node dist/test/formats/make-fixtures.js`. Beside
 * each lies what its own `restic cat` says of it. With Python at hand one file has extended attributes.
 */
import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { projectRoot } from '../end-to-end/harness/clients.js'
import { lightenKey } from '../end-to-end/harness/light-key.js'
import { fixtureNames, fixturePassword, fixturesFolder, type Expected } from './fixtures.js'
import { makeOddTree } from './odd-tree.js'

const run = promisify(execFile)

const attributes = `
import os, sys
os.setxattr(sys.argv[1], 'user.plain', b'value')
os.setxattr(sys.argv[1], 'user.bytes', bytes(range(256)))
os.setxattr(sys.argv[1], 'user.empty', b'')
`

class Client {
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  constructor(version: string, repository: string) {
    this.#program = join(projectRoot, '.cache/clients', `restic-${version}`, 'usr/bin/restic')
    this.#env = {
      PATH: process.env.PATH,
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: fixturePassword,
    }
  }

  async run(...args: string[]): Promise<string> {
    const options = { env: this.#env, maxBuffer: 2 ** 28 }
    const { stdout } = await run(this.#program, ['--no-cache', '--quiet', ...args], options)
    return stdout
  }

  /** Copies the lock of a backup that waits for its input. */
  async copyLock(repository: string, target: string): Promise<void> {
    const args = ['--no-cache', 'backup', '--stdin', '--stdin-filename', 'waiting']
    const backup = spawn(this.#program, args, {
      env: this.#env,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    let names: string[] = []
    while (names.length === 0) {
      await delay(20)
      names = (await readdir(join(repository, 'locks'))).filter((name) => name.length === 64)
    }
    for (const name of names)
      await copyFile(join(repository, 'locks', name), join(target, name))
    backup.stdin.end('waited\n')
    await new Promise((resolve) => backup.once('close', resolve))
    for (const name of names)
      await copyFile(join(target, name), join(repository, 'locks', name))
  }
}

const make = async (name: string): Promise<void> => {
  const [, format = '', version = ''] = /^v(\d)-(.*)$/.exec(name) ?? []
  const repository = join(fixturesFolder, name)
  await rm(repository, { recursive: true, force: true })
  const work = await mkdtemp(join(tmpdir(), 'lockkeeper-fixture-'))
  const source = join(work, 'source')
  const locks = join(work, 'locks')
  for (const folder of [source, locks]) await mkdir(folder)
  // What is not compressed would make a large fixture.
  await makeOddTree(source, {
    largeBytes: 6000,
    holeBytes: format === '1' ? 10_000 : 2 ** 20,
    many: 20,
  })
  await run('python3', ['-c', attributes, join(source, 'text')])
  const restic = new Client(version, repository)
  await restic.run('init', '--repository-version', format)
  await lightenKey(repository, fixturePassword)
  await restic.run('backup', '--host', 'first', '--tag', 'a,b', source)
  await writeFile(join(source, 'text'), 'only this changed\n'.repeat(300))
  const packing = format === '2' ? ['--compression', 'off'] : []
  await restic.run('backup', '--host', 'second', ...packing, '--exclude', '*.tmp', source)
  await restic.copyLock(repository, locks)
  const expected = JSON.stringify(await ask(restic))
  await writeFile(join(repository, 'expected.json.gz'), gzipSync(expected, { level: 9 }))
  for (const each of await readdir(join(repository, 'data'))) {
    await rmdir(join(repository, 'data', each)).catch(() => undefined)
  }
  await rm(work, { recursive: true })
}

/** Texts, not values: their numbers are exact. */
const ask = async (restic: Client): Promise<Expected> => {
  const cat = (type: string, id: string): Promise<string> =>
    restic.run('cat', '--no-lock', type, id)
  const listed = async (type: string): Promise<Record<string, string>> => {
    const ids = (await restic.run('list', '--no-lock', type)).trim().split('\n')
    const texts = await Promise.all(ids.map((id) => cat(type.replace(/s$/, ''), id)))
    return Object.fromEntries(ids.map((id, at) => [id, texts[at] ?? '']))
  }
  const snapshots = await listed('snapshots')
  const trees: Record<string, string> = {}
  const walk = async (id: string): Promise<void> => {
    if (Object.hasOwn(trees, id)) return
    trees[id] = await cat('blob', id)
    const { nodes } = JSON.parse(trees[id] ?? '') as { nodes: { subtree?: string }[] }
    for (const { subtree } of nodes) if (subtree !== undefined) await walk(subtree)
  }
  for (const text of Object.values(snapshots)) {
    await walk((JSON.parse(text) as { tree: string }).tree)
  }
  return {
    config: await cat('config', ''),
    masterKey: await cat('masterkey', ''),
    snapshots,
    indexes: await listed('index'),
    locks: await listed('locks'),
    trees,
  }
}

for (const name of fixtureNames) await make(name)
