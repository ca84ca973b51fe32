/** Links that come into a repository while it is served, from another process: nothing outside is read, deleted or written. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { openPlainFolder, type PlainFolder } from '../../backends/local/plain-folder.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import type { ListedType, ObjectName } from '../../fencing/object.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import {
  bodyOf,
  nameOf,
  put,
  repositoryNamed,
  sha256,
  staging,
} from '../conformance/object-store.js'
import { temporaryFolder } from './temporary-folder.js'

const r = repositoryNamed('r')
const child = new URL('./swapping-child.js', import.meta.url).pathname
const secret = Buffer.from('secret')
const rounds = 120

/** What a race may come to: any answer, or a fault of the store. */
async function tried<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof BackendError) return undefined
    throw error
  }
}

async function swapping(
  t: ExecutionContext,
  folders: readonly string[],
): Promise<() => Promise<void>> {
  const swapper = spawn(process.execPath, [child, ...folders], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => swapper.kill())
  await once(swapper.stdout, 'data')
  return async () => {
    const ended = once(swapper, 'exit')
    swapper.stdin.end()
    t.deepEqual(await ended, [0, null])
  }
}

interface Attacked {
  readonly root: string
  readonly store: ObjectStore
  readonly outside: string
}

/** Another user's folders, and a repository in which each of `names` has a link of the same name to there beside it. */
async function attacked(t: ExecutionContext, names: readonly string[]): Promise<Attacked> {
  const root = await temporaryFolder(t)
  const outside = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  await store.create(r)
  for (const name of names) {
    await mkdir(join(outside, name), { recursive: true })
    await symlink(join(outside, name), join(root, 'r', `${name}.link`))
  }
  return { root, store, outside }
}

test('a folder that becomes a link right after it was used is not followed', async (t) => {
  const { root, store, outside } = await attacked(t, ['keys'])
  const own = Buffer.from('own')
  await put(store, r, nameOf('keys', own), own)
  const stolen = nameOf('keys', secret)
  await writeFile(join(outside, stolen), secret)
  t.is(await store.stat(r, stolen), undefined)
  execFileSync('mv', [join(root, 'r/keys'), join(root, 'r/keys.own')])
  execFileSync('mv', [join(root, 'r/keys.link'), join(root, 'r/keys')])
  t.is(await tried(() => store.stat(r, stolen)), undefined)
  t.is(await tried(() => store.open(r, stolen)), undefined)
  t.is(await tried(() => store.list(r, 'keys')), undefined)
  await tried(() => store.remove(r, stolen))
  const fresh = Buffer.from('fresh')
  await tried(() => put(store, r, nameOf('keys', fresh), fresh))
  t.deepEqual(await readdir(join(outside, 'keys')), [sha256(secret)])
})

for (const type of ['keys', 'data'] as const) {
  test(`${type}/ that is swapped for a link again and again leads nowhere`, async (t) => {
    const { root, store, outside } = await attacked(t, [type])
    const within = type === 'data' ? join(type, sha256(secret).slice(0, 2)) : type
    await mkdir(join(outside, within), { recursive: true })
    await writeFile(join(outside, within, sha256(secret)), secret)
    const victim = nameOf(type, secret)
    const stop = await swapping(t, [join(root, 'r', type)])
    const found = new Set<string>()
    for (let round = 0; round < rounds; round += 1) {
      await strike(store, type, victim, found, round)
    }
    await stop()
    t.deepEqual([...found], [], 'nothing of another user was shown')
    t.deepEqual(await everything(join(outside, type)), [sha256(secret)])
    t.deepEqual(await readFile(join(outside, within, sha256(secret))), secret)
  })
}

/** One of each: reads, a list, a deletion, an upload. */
async function strike(
  store: ObjectStore,
  type: ListedType,
  victim: ObjectName,
  found: Set<string>,
  round: number,
): Promise<void> {
  const size = await tried(() => store.stat(r, victim))
  if (size !== undefined) found.add(`stat ${size}`)
  const opened = await tried(() => store.open(r, victim))
  if (opened !== undefined) found.add(`open ${String(await buffer(opened.read()))}`)
  const digest = await tried(() => store.digest(r, victim))
  if (digest !== undefined) found.add('digest')
  const listed = (await tried(() => store.list(r, type))) ?? []
  if (listed.some(({ id }) => id === sha256(secret))) found.add('list')
  await tried(() => store.remove(r, victim))
  const bytes = Buffer.from(`upload ${round}`)
  await tried(() => store.stage(r, `s${round}`, bodyOf(bytes), undefined, nameOf(type, bytes)))
  await tried(() => store.publish(r, staging(`s${round}`), nameOf(type, bytes)))
}

test('plain files: a folder that is swapped for a link leads nowhere, nor do trees that are copied and removed', async (t) => {
  const root = await temporaryFolder(t)
  const outside = await temporaryFolder(t)
  await mkdir(join(root, 'own/inner'), { recursive: true })
  await mkdir(join(outside, 'inner'))
  await writeFile(join(outside, 'inner/victim'), secret)
  await symlink(join(outside, 'inner'), join(root, 'own/inner.link'))
  const files = await openPlainFolder({ root })
  const { signal } = new AbortController()
  const stop = await swapping(t, [join(root, 'own/inner')])
  const found = new Set<string>()
  for (let round = 0; round < rounds; round += 1) {
    const victim = ['own', 'inner', 'victim']
    if ((await tried(() => files.stat(victim))) !== undefined) found.add('stat')
    const opened = await tried(() => files.open(victim))
    if (opened !== undefined) found.add(String(await buffer(opened.bytes.read())))
    const names = await tried(() => namesIn(files, ['own', 'inner']))
    if (names?.includes('victim') === true) found.add('list')
    const body = bodyOf(Buffer.from('mine'))
    await tried(() => files.put(['own', 'inner', `put${round}`], body, signal))
    await tried(() => files.makeFolder(['own', 'inner', `made${round}`]))
    await tried(() =>
      files.copy(['own'], [`copy${round}`], { replaces: true, isShallow: false }),
    )
    if ((await tried(() => files.stat([`copy${round}`, 'inner', 'victim']))) !== undefined) {
      found.add('copied')
    }
    await tried(() => files.move(victim, [`stolen${round}`], true))
    await tried(() => files.remove(victim))
    await tried(() => files.remove([`copy${round}`]))
  }
  await stop()
  t.deepEqual([...found], [], 'nothing of another user was shown')
  t.deepEqual(await everything(outside), ['victim'])
  t.deepEqual(await readdir(join(outside, 'inner')), ['victim'])
})

async function namesIn(files: PlainFolder, path: readonly string[]): Promise<string[]> {
  const names: string[] = []
  for await (const entries of files.list(path)) names.push(...entries.map(({ name }) => name))
  return names
}

async function everything(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}
