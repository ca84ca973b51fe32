/** Checks, for each restic and each format, that a folder of odd files reads as `restic restore` puts it back. */
import type { ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { BigIntStats } from 'node:fs'
import { unixPermissions } from '../../formats/restic/go-values.js'
import type { Node, NodeType } from '../../formats/restic/node.js'
import { loadSnapshot, openRepository } from '../../formats/restic/repository.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import {
  clientPath,
  RESTIC_VERSIONS,
  type ResticVersion,
} from '../end-to-end/harness/clients.js'
import { testWith } from '../end-to-end/harness/test-with.js'
import { folderFiles } from './folder-files.js'
import { makeOddTree } from './odd-tree.js'
import { PlainReader } from './reading.js'
import { seededBytes } from './seeded-bytes.js'

const password = 'correct horse'

const resticIn =
  (version: ResticVersion, repository: string) =>
  async (...args: string[]): Promise<string> => {
    const env = {
      PATH: process.env.PATH,
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: password,
    }
    const run = promisify(execFile)
    const { stdout } = await run(
      clientPath(`restic-${version}`),
      ['--no-cache', '-q', ...args],
      {
        env,
        maxBuffer: 2 ** 28,
      },
    )
    return stdout
  }

const typeOf = (stats: BigIntStats): NodeType => {
  if (stats.isDirectory()) return 'dir'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'chardev'
  return 'file'
}

/** All paths below a folder, in bytes, as latin1. */
const pathsBelow = async (folder: Buffer, above = ''): Promise<string[]> => {
  const entries = await readdir(folder, { encoding: 'buffer', withFileTypes: true })
  const lists = entries.map(async (entry) => {
    const name = entry.name as unknown as Buffer
    const path = `${above}/${name.toString('latin1')}`
    if (!entry.isDirectory()) return [path]
    return [path, ...(await pathsBelow(Buffer.concat([folder, Buffer.from('/'), name]), path))]
  })
  return (await Promise.all(lists)).flat()
}

class Comparison {
  readonly #t: ExecutionContext
  readonly #reader: PlainReader
  readonly #restored: string
  readonly #inodes = new Map<string, bigint>()

  constructor(t: ExecutionContext, reader: PlainReader, restored: string) {
    this.#t = t
    this.#reader = reader
    this.#restored = restored
  }

  async compare(path: Buffer, node: Node): Promise<void> {
    const t = this.#t
    const at = Buffer.concat([Buffer.from(this.#restored), path])
    const label = path.toString('latin1')
    const stats = await lstat(at, { bigint: true })
    t.is(typeOf(stats), node.type, label)
    t.is(stats.mtimeNs, node.modified, label)
    if (process.getuid?.() === 0) {
      t.deepEqual([Number(stats.uid), Number(stats.gid)], [node.uid, node.gid], label)
    }
    if (node.type === 'symlink') {
      t.deepEqual(await readlink(at, 'buffer'), node.linkTarget, label)
      return
    }
    t.is(Number(stats.mode & 0o7777n), unixPermissions(node.mode), label)
    if (node.type === 'chardev') t.is(stats.rdev, node.device, label)
    if (node.type !== 'file') return
    t.is(stats.size, node.size, label)
    t.true((await readFile(at)).equals(await this.#reader.content(node)), label)
    if (node.links > 1n) this.#compareLinks(node, stats, label)
  }

  /** Names of one inode in the repository are names of one inode on the disk. */
  #compareLinks({ deviceId, inode }: Node, stats: BigIntStats, label: string): void {
    const known = this.#inodes.get(`${deviceId}:${inode}`)
    this.#t.is(stats.ino, known ?? stats.ino, label)
    this.#inodes.set(`${deviceId}:${inode}`, stats.ino)
  }

  get linked(): number {
    return this.#inodes.size
  }
}

for (const version of RESTIC_VERSIONS) {
  for (const format of [1, 2] as const) {
    testWith(`restic-${version}`)(
      `restic ${version}, format ${format}: everything reads as it is restored`,
      async (t) => {
        const folder = await temporaryFolder(t)
        const [source, restored] = [`${folder}/source`, `${folder}/restored`]
        for (const each of [source, restored]) await mkdir(each)
        await makeOddTree(source, {
          largeBytes: 20 * 2 ** 20,
          holeBytes: 5 * 2 ** 20,
          many: 500,
        })
        const restic = resticIn(version, `${folder}/repo`)
        await restic('init', '--repository-version', String(format))
        await restic('backup', source)
        await writeFile(`${source}/later`, seededBytes(3 * 2 ** 20, 9))
        await restic('backup', ...(format === 2 ? ['--compression', 'max'] : []), source)
        await restic('restore', 'latest', '--target', restored)

        const repository = await openRepository(
          folderFiles(`${folder}/repo`),
          Buffer.from(password),
        )
        t.is(repository.config.version, format)
        const reader = await PlainReader.open(repository)
        const [latest] = JSON.parse(await restic('snapshots', '--json', 'latest')) as [
          { id: string },
        ]
        const { tree } = await loadSnapshot(repository, latest.id)
        const comparison = new Comparison(t, reader, restored)
        const paths: string[] = []
        for await (const { path, node } of reader.walk(tree)) {
          paths.push(path.toString('latin1'))
          await comparison.compare(path, node)
        }
        t.deepEqual(paths.sort(), (await pathsBelow(Buffer.from(restored))).sort())
        t.true(paths.length > 530)
        t.is(comparison.linked, 1)
      },
    )
  }
}
