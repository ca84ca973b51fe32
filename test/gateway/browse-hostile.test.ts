/** Checks that a repository written to do harm shows as text, leads nowhere, and is an error where it cannot be read. */
import test from 'ava'
import type { Readable } from 'node:stream'
import { FormatError } from '../../formats/restic/format-error.js'
import type { Node } from '../../formats/restic/node.js'
import { tarOf } from '../../gateway/browse/archive/tar.js'
import { zipOf } from '../../gateway/browse/archive/zip.js'
import { BrowsedRepository } from '../../gateway/browse/browsed-repository.js'
import { folderPage } from '../../gateway/browse/web/pages.js'
import { entry, WrittenRepository } from '../formats/written-repository.js'

const content = [Buffer.from('payload')]

const open = async (
  written: WrittenRepository,
  nodes: readonly object[],
): Promise<{
  repository: BrowsedRepository
  page: (query?: string) => Promise<string>
  nodes: Node[]
}> => {
  written.addSnapshot(nodes, { hostname: '<script>host</script>', paths: ['"><script>'] })
  const repository = new BrowsedRepository(written.keyed, () => 0)
  const [snapshot] = await repository.snapshots()
  if (snapshot === undefined) throw new Error('no snapshot')
  const tree = await repository.tree(snapshot.tree)
  const page = async (query = ''): Promise<string> =>
    folderPage({ repository: 'x', snapshot, path: [], tree, query: new URLSearchParams(query) })
  return { repository, page, nodes: [...tree] }
}

const whole = async (parts: AsyncIterable<Buffer> | Readable): Promise<Buffer> => {
  const all: Buffer[] = []
  for await (const part of parts as AsyncIterable<Buffer>) all.push(part)
  return Buffer.concat(all)
}

const badNames = ['..', '.', '../escape', '/etc/passwd', 'a/b', 'nul\\x00byte']

test('entries that lead out of their folder are shown without a link, and are in no archive', async (t) => {
  const written = new WrittenRepository()
  const files = [...badNames, 'good'].map((name) => written.file(name, content))
  const { repository, page, nodes } = await open(written, files)
  t.is(nodes.length, badNames.length + 1)
  const shown = await page()
  t.deepEqual(shown.match(/<td><a href="[^"]*"/g), ['<td><a href="./good"'])
  const tar = await whole(tarOf(repository, nodes))
  // A header with the time's nanoseconds and its body, the entry's own, its content, and two at the end.
  t.is(tar.length, 6 * 512)
  t.is(tar.toString('latin1', 1024, 1029), 'good\0')
  const zip = await whole(zipOf(repository, nodes))
  t.is(zip.toString('latin1').match(/PK\x01\x02/g)?.length, 1)
})

test('names that a zip could take for others stand in it percent-encoded', async (t) => {
  const written = new WrittenRepository()
  const names = ['C:', '..\\\\..\\\\evil', 'x'.repeat(300)]
  const { repository, nodes } = await open(
    written,
    names.map((name) => written.file(name, content)),
  )
  const text = (await whole(zipOf(repository, nodes))).toString('latin1')
  t.true(text.includes('C%3A') && text.includes('..%5C..%5Cevil'))
  t.false(text.includes('\\'))
})

test('scripts in names, hosts, owners, targets and queries are text', async (t) => {
  const written = new WrittenRepository()
  const script = '<script>alert(1)<\\\\script>'
  const { page } = await open(written, [
    { ...written.file(script, content), user: '<script>', group: '"\'<script>' },
    { ...entry('link', 'symlink'), linktarget: 'javascript:<script>' },
    written.file('javascript:alert(1)', content),
  ])
  const shown = await page('filter=&sort="><script>&page=<script>&order=<script>')
  t.notRegex(shown, /<script/)
  t.regex(shown, /href="\.\/javascript%3Aalert%281%29"/)
})

test('folders that hold one another many times over stop at a depth', async (t) => {
  const written = new WrittenRepository()
  let node = written.folder('deep', [])
  for (let depth = 0; depth < 1005; depth += 1) node = written.folder('deep', [node])
  const { repository, nodes } = await open(written, [node])
  await t.throwsAsync(whole(tarOf(repository, nodes)), { message: /too deeply/ })
  await t.throwsAsync(whole(zipOf(repository, nodes)), { message: /too deeply/ })
})

test('a file whose blob is nowhere breaks an archive off', async (t) => {
  const written = new WrittenRepository()
  const lost = { ...written.file('lost', content), content: ['e'.repeat(64)] }
  const { repository, nodes } = await open(written, [lost])
  await t.throwsAsync(whole(tarOf(repository, nodes)), { instanceOf: FormatError })
  await t.throwsAsync(whole(zipOf(repository, nodes)), { instanceOf: FormatError })
})

test('a folder of very many entries is shown page by page', async (t) => {
  const written = new WrittenRepository()
  const many = Array.from({ length: 60_000 }, (_, at) =>
    entry(String(at).padStart(6, '0'), 'fifo'),
  )
  const { page } = await open(written, many)
  const last = await page('page=59&sort=size')
  t.regex(last, /59001 to 60000 of 60000/)
  t.is(last.match(/<tr>/g)?.length, 1001)
  t.is((await page('page=1e9')).match(/<tr>/g)?.length, 1)
})
