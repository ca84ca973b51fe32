/** The order of what a commit asks of the kernel: nothing is promised before it is durable. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { clientPath } from './harness/clients.js'
import { nameOf, PlainClient } from './harness/plain-client.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

const traced =
  'fsync,fdatasync,link,linkat,unlink,unlinkat,rename,renameat,renameat2,write,writev'

/** Calls that ended, in the order of their ends: an answer may leave only after what it promises has ended. */
const endsOf = (trace: string): readonly string[] => {
  const begun = new Map<string, string>()
  const ends: string[] = []
  for (const line of trace.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call)
    if (call.endsWith('<unfinished ...>'))
      begun.set(thread, call.replace('<unfinished ...>', ''))
    else if (resumed !== null) ends.push(`${begun.get(thread) ?? ''}${resumed[1] ?? ''}`)
    else ends.push(call)
  }
  return ends
}

const straceOf = (trace: string): [string, ...string[]] => [
  clientPath('strace'),
  // The tracer is the gateway's grandchild: signals reach the gateway itself.
  ...[
    '-D',
    '-f',
    '-y',
    '-s',
    '160',
    '-E',
    'LD_LIBRARY_PATH',
    '-o',
    trace,
    '-e',
    `trace=${traced}`,
  ],
]

testWith('strace')(
  'a commit is recorded, published and durable, in this order, before it is answered',
  async (t) => {
    t.timeout(5 * 60_000)
    const world = await World.open(t)
    const trace = world.path('trace')
    const libraries = join(dirname(dirname(clientPath('strace'))), 'lib')
    const folders = await readdir(libraries).catch(() => [])
    const env = { LD_LIBRARY_PATH: folders.map((name) => join(libraries, name)).join(':') }
    const gateway = await world.gateway({ under: straceOf(trace), env })
    const client = new PlainClient(gateway)
    await client.ask('POST', '?create=true')
    await client.ask('POST', 'config', Buffer.from('config'))
    await client.open()
    const lock = Buffer.from('the lock that is traced')
    t.is((await client.save('locks', lock)).status, 200)
    await gateway.stop()

    const name = nameOf('locks', lock)
    const ends = endsOf(await readFile(trace, 'utf8'))
    const published = ends.findIndex(
      (call) => /^(link|rename)/.test(call) && call.includes(basename(name)),
    )
    t.true(published > 0, 'the lock was published')
    // Through an open folder: of the path only its last part says which file it is.
    const staged = basename(/"([^"]+)"/.exec(ends[published] ?? '')?.[1] ?? 'nothing')
    const before = ends.slice(0, published)
    const synced = (calls: readonly string[], path: string): number =>
      calls.findLastIndex((call) => /^f(data)?sync\(/.test(call) && call.includes(`/${path}>`))
    const log = 'journal.sqlite-wal'
    t.true(synced(before, staged) >= 0, 'the bytes are durable before they are published')
    t.true(synced(before, 'staging') >= 0, 'their name in staging, too')
    t.true(synced(before, log) > synced(before, staged), 'the record follows the bytes')

    const after = ends.slice(published)
    const durable = after.findIndex(
      (call) =>
        call.startsWith('fsync(') &&
        call.includes(`<${join(world.repositories, 'repo', 'locks')}>`),
    )
    const freed = after.findIndex((call) => call.startsWith('unlink') && call.includes(staged))
    const answered = after.findIndex(
      (call) => /^writev?\(/.test(call) && call.includes('HTTP/1.1 200'),
    )
    t.true(durable > 0, 'the folder is synced after the name is made')
    t.true(freed > durable, 'the staged name goes when the new one is durable')
    t.true(answered > durable, 'and only then the client is told')
  },
)
