/** Checks the browser of snapshots over HTTP: its pages, its downloads, and a hostile repository. */
import test, { type ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { pino } from 'pino'
import type { RepositorySettings } from '../../config/repository-settings.js'
import { isBrowseUrl } from '../../gateway/browse/web/address.js'
import { createWebBrowser } from '../../gateway/browse/web/door.js'
import { BrowsedRepositories } from '../../gateway/browse/browsed-repositories.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { fixturePassword, fixturesFolder } from '../formats/fixtures.js'
import { folderFiles } from '../formats/folder-files.js'
import { openDoor } from './door.js'

interface Browsing {
  readonly url: string
  readonly log: readonly Readonly<Record<string, unknown>>[]
}

const fixture = 'v2-0.19'

const open = async (
  t: ExecutionContext,
  {
    password = fixturePassword,
    isPrivate = false,
    browsers = undefined as string[] | undefined,
  } = {},
): Promise<Browsing> => {
  const folder = await temporaryFolder(t)
  await writeFile(`${folder}/password`, `${password}\n`)
  const settings = (repository: string): RepositorySettings => ({
    repository,
    password: { kind: 'file', file: `${folder}/password` },
    browsers,
  })
  const repositories = new BrowsedRepositories({
    repositories: [settings(''), settings('alice/laptop')],
    filesOf: () => folderFiles(`${fixturesFolder}/${fixture}`),
    monotonic: () => performance.now(),
  })
  const log: Record<string, unknown>[] = []
  const write = (line: string): unknown => log.push(JSON.parse(line) as Record<string, unknown>)
  const logger = pino({}, { write })
  const handle = createWebBrowser({ repositories, logger, isPrivate })
  const door = await openDoor({ listener: { browser: () => ({ takes: isBrowseUrl, handle }) } })
  t.teardown(() => door.close())
  return { url: `${door.url}-/browse/`, log }
}

/** The address of the first snapshot of the fixture's odd tree, down to its top folder. */
const oddFolder = async ({ url }: Browsing): Promise<string> => {
  const page = await (await fetch(`${url}-/?filter=first`)).text()
  const [, snapshot = ''] = /href="\.\/([0-9a-f]{16})\/"/.exec(page) ?? []
  let at = `${url}-/${snapshot}/`
  for (let depth = 0; depth < 3; depth += 1) {
    const folder = await (await fetch(at)).text()
    const [, name = ''] = /<td><a href="\.\/([^"]+\/)"/.exec(folder) ?? []
    at += name
  }
  return at
}

test('the pages lead from the repositories to a file, and nothing of them runs', async (t) => {
  const browsing = await open(t)
  const answer = await fetch(browsing.url)
  t.is(answer.status, 200)
  const policy = answer.headers.get('content-security-policy') ?? ''
  t.regex(policy, /default-src 'none'; style-src 'sha256-/)
  t.notRegex(policy, /script|unsafe/)
  t.regex(await answer.text(), /href="\.\/-\/".*href="\.\/alice%2Flaptop\/"/s)
  const snapshots = await (await fetch(`${browsing.url}alice%2Flaptop/`)).text()
  t.regex(snapshots, /3 snapshots/)
  const at = await oddFolder(browsing)
  const folder = await (await fetch(at)).text()
  t.regex(folder, /<bdi>many<\/bdi>\//)
  t.regex(
    await (await fetch(`${at}many/?sort=size&order=desc`)).text(),
    /aria-sort="descending"/,
  )
  const filtered = await (await fetch(`${at}many/?filter=19`)).text()
  t.regex(filtered, /1 entry/)
  t.is(await (await fetch(`${at}many/19`)).text(), 'small file 19\n')
  const redirected = await fetch(`${at}many`)
  t.is(redirected.url, `${at}many/`)
})

test('names of scripts, of bytes and of quotes are text, and lead to their files', async (t) => {
  const at = `${await oddFolder(await open(t))}names/`
  const page = await (await fetch(at)).text()
  t.notRegex(page, /<script/)
  t.regex(page, /&lt;script&gt;alert\(1\)&lt;/)
  const links = [...page.matchAll(/<td><a href="\.\/([^"]+)"/g)].map(([, link = '']) => link)
  t.is(links.length, 18)
  t.true(links.includes('bad%FF%FEbytes'))
  for (const link of links) {
    const answer = await fetch(at + link)
    t.regex(await answer.text(), /^content \d+$/)
    t.regex(
      answer.headers.get('content-disposition') ?? '',
      /^attachment; filename="[^"\\]*"; filename\*=UTF-8''\S*$/,
    )
    t.regex(answer.headers.get('content-security-policy') ?? '', /^sandbox/)
    t.is(answer.headers.get('x-content-type-options'), 'nosniff')
  }
})

test('a file is sent in ranges, or not at all where it is known', async (t) => {
  const address = `${await oddFolder(await open(t))}sparse`
  const head = await fetch(address, { method: 'HEAD' })
  t.is(head.headers.get('content-length'), String(2 ** 20))
  const etag = head.headers.get('etag') ?? ''
  const ask = (headers: Record<string, string>): Promise<Response> =>
    fetch(address, { headers })
  const part = await ask({ range: 'bytes=1-5' })
  t.is(part.status, 206)
  t.is(part.headers.get('content-range'), `bytes 1-5/${2 ** 20}`)
  t.is(await part.text(), 'ead\0\0')
  t.is((await ask({ range: 'bytes=-3' })).headers.get('content-length'), '3')
  t.is((await ask({ range: `bytes=${2 ** 20}-` })).status, 416)
  t.is((await ask({ 'if-none-match': etag })).status, 304)
  t.is((await ask({ range: 'bytes=0-0', 'if-range': '"other"' })).status, 200)
  t.is((await ask({ range: 'bytes=0-0', 'if-range': etag })).status, 206)
  const view = await fetch(`${address}?view=`)
  t.is(view.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.is(view.headers.get('content-disposition'), null)
  t.regex(view.headers.get('content-security-policy') ?? '', /^sandbox/)
})

test('a folder as tar holds what it held: names, links, times', async (t) => {
  const browsing = await open(t)
  const folder = await temporaryFolder(t)
  const answer = await fetch(`${await oddFolder(browsing)}?archive=tar`)
  t.is(answer.headers.get('content-type'), 'application/x-tar')
  await writeFile(`${folder}/all.tar`, Buffer.from(await answer.arrayBuffer()))
  await mkdir(`${folder}/out`)
  await promisify(execFile)('tar', ['-xpf', `${folder}/all.tar`, '-C', `${folder}/out`])
  const names = await readdir(`${folder}/out/names`, { encoding: 'buffer' })
  t.is(names.length, 18)
  t.true(names.some((name) => name.equals(Buffer.from('bad\xff\xfebytes', 'latin1'))))
  t.true(names.some((name) => name.length === 255))
  t.is(await readlink(`${folder}/out/links/dangling`), '../nowhere')
  const [one, two] = await Promise.all(
    ['one', 'two'].map((name) => stat(`${folder}/out/links/${name}`, { bigint: true })),
  )
  t.is(one?.ino, two?.ino)
  t.is((await stat(`${folder}/out/new`)).mtimeMs, 4_102_444_800_125)
  t.is((await readFile(`${folder}/out/sparse`)).length, 2 ** 20)
  t.is((await stat(`${folder}/out/modes/2755`)).mode & 0o7777, 0o2755)
})

test('a folder as zip holds each file once, under a name that leads nowhere else', async (t) => {
  const answer = await fetch(`${await oddFolder(await open(t))}?archive=zip`)
  const bytes = Buffer.from(await answer.arrayBuffer())
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  const names: string[] = []
  const contents = new Map<string, Buffer>()
  for (let entry = 0; entry < count; entry += 1) {
    const [nameBytes, extraBytes] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)]
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes)
    const local = bytes.readUInt32LE(at + 42)
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    names.push(name)
    contents.set(name, bytes.subarray(start, start + bytes.readUInt32LE(at + 24)))
    at += 46 + nameBytes + extraBytes + bytes.readUInt16LE(at + 32)
  }
  t.is(new Set(names).size, count)
  t.true(count > 60)
  t.true(names.every((name) => !/^\/|\\|(?:^|\/)\.\.(?:\/|$)/.test(name)))
  t.is(contents.get('many/19')?.toString(), 'small file 19\n')
  t.is(contents.get('names/bad%FF%FEbytes')?.toString(), 'content 17')
  t.is(contents.get('sparse')?.length, 2 ** 20)
})

test('what is not there, or not allowed, is said so', async (t) => {
  const { url } = await open(t)
  const status = async (path: string, init?: RequestInit): Promise<number> =>
    (await fetch(url + path, init)).status
  t.is(await status('nowhere/'), 404)
  t.is(await status('-/0123456789abcdef/'), 404)
  t.is(await status('-/%zz/'), 400)
  t.is(await status('-//'), 400)
  t.is(await status('', { method: 'DELETE' }), 405)
  t.is(await status('', { method: 'HEAD' }), 200)
})

test('only those who are named may browse, and of private repositories only the own', async (t) => {
  const named = await open(t, { browsers: ['alice'] })
  t.regex(await (await fetch(named.url)).text(), /no repository here/)
  t.is((await fetch(`${named.url}-/`)).status, 404)
  const own = await open(t, { isPrivate: true })
  t.is((await fetch(`${own.url}alice%2Flaptop/`)).status, 404)
})

test('a wrong password leaves the repository closed, and is shown nowhere', async (t) => {
  const { url, log } = await open(t, { password: 'wrong s3cret' })
  const answer = await fetch(`${url}-/`)
  t.is(answer.status, 503)
  t.regex(
    await answer.text(),
    /The root repository cannot be opened: no key of the repository opens/,
  )
  t.notRegex(JSON.stringify(log), /s3cret/)
})

test('who read which file of which snapshot is in the log', async (t) => {
  const browsing = await open(t)
  await (await fetch(`${await oddFolder(browsing)}many/19`)).text()
  const line = browsing.log.find(({ msg }) => msg === 'a file was read')
  t.is(line?.bytes, 14)
  t.is(typeof line?.client, 'string')
  t.regex(String(line?.path), /\/many\/19$/)
  t.regex(String(line?.snapshot), /^[0-9a-f]{64}$/)
})
