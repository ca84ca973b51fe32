/** Makes a folder of files that are hard to keep: odd names, modes, times, links, holes. */
import { execFile } from 'node:child_process'
import {
  chmod,
  lchown,
  link,
  lutimes,
  mkdir,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { promisify } from 'node:util'
import { seededBytes } from './seeded-bytes.js'

/** Names as they are on disk. */
export const oddNames: readonly Buffer[] = [
  'plain.txt',
  'with space',
  'quo"te',
  'back\\slash',
  '\\x41',
  "apo'strophe",
  'new\nline',
  'tab\tbell\u0007',
  'ünï©ödé',
  'e\u0301 decomposed',
  '\u2028separator',
  '\u{1f600} astral',
  '\ufffd replaced',
  '-rf',
  '...',
  '<script>alert(1)<',
  'x'.repeat(255),
]
  .map((name) => Buffer.from(name))
  .concat(Buffer.from('bad\xff\xfebytes', 'latin1'))

export interface OddTreeOptions {
  /** Bytes of the one large file. */
  readonly largeBytes: number
  /** Bytes of the hole in the sparse file. */
  readonly holeBytes: number
  /** Of files in one folder. */
  readonly many: number
}

const within = (folder: string, name: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name as string)])

export const makeOddTree = async (folder: string, options: OddTreeOptions): Promise<void> => {
  for (const part of ['names', 'many', 'modes', 'links', 'empty', 'deep/er/and/deeper']) {
    await mkdir(`${folder}/${part}`, { recursive: true })
  }
  for (const [at, name] of oddNames.entries()) {
    await writeFile(within(`${folder}/names`, name), `content ${at}`)
  }
  for (let at = 0; at < options.many; at += 1) {
    await writeFile(`${folder}/many/${at}`, at % 7 === 0 ? '' : `small file ${at}\n`)
  }
  await writeFile(`${folder}/deep/er/and/deeper/leaf`, 'leaf')
  await writeFile(`${folder}/large`, seededBytes(options.largeBytes))
  await writeFile(`${folder}/text`, 'all work and no play\n'.repeat(500))
  await writeFile(`${folder}/sparse`, 'head')
  await truncate(`${folder}/sparse`, options.holeBytes)
  await makeModes(`${folder}/modes`)
  await makeLinks(`${folder}/links`)
  await makeTimes(folder)
}

const makeModes = async (folder: string): Promise<void> => {
  for (const mode of [0o000, 0o400, 0o644, 0o755, 0o1777, 0o2755, 0o4755, 0o7777]) {
    const path = `${folder}/${mode.toString(8)}`
    await writeFile(path, 'x')
    await chmod(path, mode)
  }
  await mkdir(`${folder}/sticky`)
  await chmod(`${folder}/sticky`, 0o1777)
  await promisify(execFile)('mkfifo', [`${folder}/fifo`])
  if (process.getuid?.() === 0) {
    await lchown(`${folder}/644`, 12345, 54321)
    await promisify(execFile)('mknod', [`${folder}/null`, 'c', '1', '3']).catch(() => undefined)
  }
}

const makeLinks = async (folder: string): Promise<void> => {
  await writeFile(`${folder}/one`, 'linked twice')
  await link(`${folder}/one`, `${folder}/two`)
  await link(`${folder}/one`, `${folder}/../deep/three`)
  await symlink('one', `${folder}/to-one`)
  await symlink('../nowhere', `${folder}/dangling`)
  await symlink(Buffer.from('bad\xfftarget', 'latin1'), `${folder}/to-bad`)
  await symlink('to-self', `${folder}/to-self`)
  await lutimes(`${folder}/dangling`, 1, 2)
}

const makeTimes = async (folder: string): Promise<void> => {
  await writeFile(`${folder}/old`, 'before the epoch')
  // A number below 0 Node takes for now.
  await utimes(`${folder}/old`, new Date(-86_400_000), new Date(-86_399_250))
  await writeFile(`${folder}/new`, 'far ahead')
  await utimes(`${folder}/new`, 4_102_444_800, 4_102_444_800.125)
}
