/** What the logs have of a request: one line at debug, its name in the journal, and never a secret. */
import test from 'ava'
import { hash } from 'bcrypt'
import { once } from 'node:events'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { journalOf } from '../end-to-end/harness/facts.js'
import { World } from '../end-to-end/harness/world.js'
import { objectOf } from './rest-writer.js'

const password = 'tulip-1637'

const ask = async (port: number, method: string, path: string, body?: Buffer) => {
  const authorization = `Basic ${Buffer.from(`ann:${password}`).toString('base64')}`
  const referer = `http://ann:${password}@127.0.0.1:${port}/repo/`
  const headers = { authorization, referer, 'user-agent': 'test' }
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  outgoing.end(body)
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  reply.resume()
  await once(reply, 'end')
  return reply.statusCode
}

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')),
  )
}

for (const format of ['json', 'pretty'] as const)
  test.serial(`no secret is in what the gateway says or keeps: ${format}`, async (t) => {
    const world = await World.open(t)
    const [users, access] = [world.path('users'), world.path('access.log')]
    const hashed = await hash(password, 4)
    await writeFile(users, `ann:${hashed}\nbob:${password}-of-bob\n`)
    const args = ['--htpasswd-file', users, '--log', access, '--log-level', 'trace']
    const gateway = await world.gateway({ args: [...args, '--log-format', format] })
    const { port } = gateway
    const index = objectOf('index', 'an index')
    const asked: [string, string, Buffer?][] = [
      ['POST', '/repo/?create=true'],
      ['POST', '/repo/config', Buffer.from('a config')],
      ['HEAD', '/repo/config'],
      ['GET', '/repo/index/'],
      ['POST', `/repo/${index.name}`, index.bytes],
      ['POST', `/repo/${index.name}`, Buffer.from('other bytes')],
      ['GET', `http://ann:${password}@127.0.0.1:${port}/repo/keys/`],
      ['GET', `http://ann:${password}@127.0.0.1:${port}/junk`],
    ]
    const statuses = []
    for (const each of asked) statuses.push(await ask(port, ...each))
    t.deepEqual(statuses, [200, 200, 200, 200, 200, 400, 200, 404])
    const records = await journalOf(world)
    await gateway.stop()

    const said = {
      log: gateway.child.output,
      access: await readFile(access, 'utf8'),
      journal: JSON.stringify(records),
      state: (await filesBelow(join(world.repositories, '.lockkeeper'))).join('\n'),
    }
    const basic = Buffer.from(`ann:${password}`).toString('base64')
    for (const [name, text] of Object.entries(said)) {
      t.true(text.length > 100, name)
      for (const secret of [password, basic, hashed]) t.false(text.includes(secret), name)
    }
    t.regex(said.access, /"http:\/\/127\.0\.0\.1:\d+\/repo\/" "test"/, 'the rest of a referer')
  })

test.serial(
  'one line a request at debug, with the name that stands in the journal',
  async (t) => {
    const world = await World.open(t)
    const gateway = await world.gateway({ args: ['--log-level', 'debug'] })
    const index = objectOf('index', 'an index')
    for (const [method, path, body] of [
      ['POST', '/repo/?create=true', undefined],
      ['POST', '/repo/config', Buffer.from('a config')],
      ['HEAD', '/repo/config', undefined],
      ['GET', '/repo/index/', undefined],
      ['POST', `/repo/${index.name}`, index.bytes],
    ] as const)
      t.is(await ask(gateway.port, method, path, body), 200)
    const records = await journalOf(world)
    await gateway.stop()
    const lines = gateway.child.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter(({ msg, level }) => msg === 'request' && level === 'debug')
    t.is(requests.length, 5)
    t.is(new Set(requests.map((line) => line.request)).size, 5)
    const posted = requests.at(-1)
    t.like(posted, { method: 'POST', status: 200, repository: 'repo', object: index.name })
    const committed = records.find((record) => record.object === index.name)
    t.is(committed?.request, posted?.request)
    const event = lines.filter(
      ({ kind, object }) => kind === 'committed' && object === index.name,
    )
    t.is(event.length, 1)
    t.like(event[0], { level: 'info', request: posted?.request })
  },
)
