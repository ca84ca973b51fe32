/** Every command as a process of its own, while a gateway runs and while none does. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import Database from 'better-sqlite3'
import { Child } from '../end-to-end/harness/child.js'
import { projectRoot } from '../end-to-end/harness/clients.js'
import { quarantineOf, journalOf, statusOf } from '../end-to-end/harness/facts.js'
import { gatewayCommand } from '../end-to-end/harness/service.js'
import { World } from '../end-to-end/harness/world.js'
import { overtake, RestWriter } from './rest-writer.js'

/** A gateway whose repository `repo` holds a sleeper that was overtaken. */
const overtaken = async (t: ExecutionContext) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  const late = await overtake(gateway.port, 'repo')
  return { world, gateway, late }
}

const follow = (world: World, ...args: readonly string[]): Child => {
  const [file, ...rest] = gatewayCommand([...args, '--path', world.repositories])
  return new Child(file, rest, { env: world.environment() })
}

test.serial('what the commands say is the same with a gateway and without one', async (t) => {
  const { world, gateway } = await overtaken(t)
  const served = {
    status: await statusOf(world),
    items: await quarantineOf(world),
    journal: await journalOf(world),
  }
  t.is(served.status.length, 1)
  const [repository] = served.status
  t.like(repository, { name: 'repo', generation: 2, locks: 0, fault: null })
  t.deepEqual(repository?.quarantined, { count: 2, bytes: 19 })
  t.like(repository?.maintenance, { generation: 2 })
  const states = repository?.writers.map(({ tag, state }) => `${String(tag)} ${state}`)
  t.deepEqual(states?.sort(), ['maintainer current', 'sleeper stale'])
  t.deepEqual(
    served.items.map(({ reason, tries, state }) => [reason, tries, state]),
    [
      ['stale', 1, 'quarantined'],
      ['stale', 1, 'quarantined'],
    ],
  )
  t.true(served.journal.some(({ kind }) => kind === 'refused'))

  t.is((await gateway.stop()).code, 0)
  t.deepEqual(await quarantineOf(world), served.items)
  t.deepEqual(await journalOf(world), served.journal)
  const [alone] = await statusOf(world)
  t.like(alone, { name: 'repo', generation: 2 })
})

test.serial('status says what is kept without a fence', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway({ args: ['--plain-files'] })
  const url = `http://127.0.0.1:${gateway.port}`
  t.regex((await world.lockkeeper('status')).stdout, /UNFENCED .*none at the top/)
  await fetch(`${url}/alice/laptop/?create=true`, { method: 'POST' })
  await fetch(`${url}/alice/laptop/config`, { method: 'POST', body: 'config' })
  await fetch(`${url}/-/dav/photos`, { method: 'MKCOL' })
  await writeFile(join(world.repositories, 'a\u001b[2Jb'), 'b')
  const { stdout } = await world.lockkeeper('status')
  t.regex(
    stdout,
    /^UNFENCED \(--plain-files\): whatever is no repository; a\\u001b\[2Jb, photos\/$/m,
  )
  t.notRegex((await world.lockkeeper('status', 'alice/laptop')).stdout, /UNFENCED/)
  t.is((await statusOf(world))[0]?.plainFiles, true)
  await gateway.stop()
  t.is((await statusOf(world))[0]?.plainFiles, null)
  t.notRegex((await world.lockkeeper('status')).stdout, /UNFENCED/)
  await world.gateway()
  t.is((await statusOf(world))[0]?.plainFiles, false)
  t.notRegex((await world.lockkeeper('status')).stdout, /UNFENCED/)
})

test.serial(
  'while a gateway runs, items are released and discarded, with who and why',
  async (t) => {
    const { world, late } = await overtaken(t)
    const items = await quarantineOf(world)
    const pack = items.find(({ object }) => object.startsWith('data/'))?.id ?? ''
    const index = items.find(({ object }) => object.startsWith('index/'))?.id ?? ''

    const refused = await world.lockkeeper('quarantine', 'release', index, '--reason', 'mine')
    t.is(refused.code, 1)
    t.regex(refused.stderr, /not a pack.*--force/s)

    const exported = await world.lockkeeper('quarantine', 'export', pack, '-')
    t.is(exported.stdout, late.pack.bytes.toString())
    const file = world.path('item')
    t.is((await world.lockkeeper('quarantine', 'export', index, file)).code, 0)
    t.is(await readFile(file, 'utf8'), late.index.bytes.toString())
    t.is((await world.lockkeeper('quarantine', 'export', pack, file)).code, 1)
    t.is(await readFile(file, 'utf8'), late.index.bytes.toString())

    const part = await world.lockkeeper(
      ...['quarantine', 'release', pack, 'q-000000', '--reason', 'wanted'],
    )
    t.is(part.code, 1)
    t.regex(part.stdout, new RegExp(`^${pack}: released`))
    t.regex(part.stderr, /no item q-000000/)
    const digest = late.pack.name.slice('data/'.length)
    const released = join(world.repositories, 'repo', 'data', digest.slice(0, 2), digest)
    t.is(await readFile(released, 'utf8'), 'late pack')

    const discard = ['quarantine', 'discard', index, '--reason', 'done again']
    t.is((await world.lockkeeper(...discard)).code, 0)
    const again = await world.lockkeeper(...discard)
    t.is(again.code, 1)
    t.regex(again.stderr, /discarded already/)

    t.deepEqual(await quarantineOf(world), [])
    const acts = (await journalOf(world)).filter(({ kind }) => /released|discarded/.test(kind))
    t.like(acts[0], { kind: 'released', item: pack, reason: 'wanted', forced: false })
    t.like(acts[1], { kind: 'discarded', item: index, reason: 'done again' })
    t.is(acts.length, 2)
    for (const { by } of acts)
      t.regex(String(by), new RegExp(`\\(uid ${process.getuid?.() ?? 0}`))
  },
)

test.serial('while none runs, an index is released by force', async (t) => {
  const { world, gateway, late } = await overtaken(t)
  await gateway.stop()
  const items = await quarantineOf(world)
  const index = items.find(({ object }) => object.startsWith('index/'))?.id ?? ''
  const args = ['quarantine', 'release', index, '--force', '--reason', 'checked by hand']
  t.is((await world.lockkeeper(...args)).code, 0)
  const file = join(world.repositories, 'repo', late.index.name)
  t.is(await readFile(file, 'utf8'), 'late index')
  t.like((await journalOf(world)).at(-1), { kind: 'released', forced: true })
})

test.serial('while a gateway runs, a generation is raised and a writer ended', async (t) => {
  const { world } = await overtaken(t)
  const fence = await world.lockkeeper('fence', 'repo', '--reason', 'rolled back')
  t.is(fence.code, 0)
  t.regex(fence.stdout, /generation 3/)
  t.like((await journalOf(world)).at(-1), {
    kind: 'fenced',
    generation: 3,
    reason: 'rolled back',
  })

  const before = (await statusOf(world))[0]?.writers ?? []
  t.is(before.length, 2)
  const id = before[0]?.id ?? ''
  t.is((await world.lockkeeper('writers', 'end', id)).code, 0)
  t.deepEqual(
    (await statusOf(world))[0]?.writers.map((writer) => writer.id),
    [before[1]?.id],
  )
  const ended = (await journalOf(world)).find(({ kind }) => kind === 'ended')
  t.like(ended, { writer: id, cause: 'operator' })
  t.regex(String(ended?.by), /uid/)
  t.is((await world.lockkeeper('writers', 'end', id)).code, 1)
})

test.serial('while a gateway runs, what is not there is told, with an exit code', async (t) => {
  const { world } = await overtaken(t)
  for (const [args, code, words] of [
    [['status', 'nowhere'], 1, /no repository "nowhere"; there are: repo/],
    [['quarantine', 'show', 'q-000000'], 1, /no item q-000000/],
    [['quarantine', 'show', 'nonsense'], 2, /no id of an item/],
    [['writers', 'end', 'w-00000000'], 1, /no writer w-00000000/],
    [['journal', 'verify', '--head', 'abc'], 2, /64 hex digits/],
    [['status', '--jsn'], 2, /--json/],
    [['statsu'], 2, /status/],
  ] as const) {
    const ended = await world.lockkeeper(...args)
    t.is(ended.code, code, `${args.join(' ')}: ${ended.stderr}`)
    t.regex(ended.stderr, words)
    t.is(ended.stdout, '')
  }
})

test.serial(
  'each word of the journal is explained, and each item says what to do now',
  async (t) => {
    const { world } = await overtaken(t)
    const { stdout: help } = await world.lockkeeper('journal', '--help')
    t.true(eventKinds.length > 20)
    for (const kind of eventKinds) t.regex(help, new RegExp(`\\b${kind}\\b`), kind)
    for (const { id, object } of await quarantineOf(world)) {
      const { stdout } = await world.lockkeeper('quarantine', 'show', id)
      t.regex(stdout, /What now: let the client run again/)
      t.true(stdout.includes(`release ${id} --reason "..."`))
      t.is(stdout.includes(`quarantine overlay ${id}`), !object.startsWith('data/'))
    }
  },
)

/** All kinds that the one reader of events for people tells apart. */
const eventKinds = [
  ...readFileSync(
    join(projectRoot, 'gateway', 'operate', 'words', 'sentence.ts'),
    'utf8',
  ).matchAll(/^ {4}case '(\w+)'/gm),
].map(([, kind = '']) => kind)

test.serial('what must be given is shown as such', async (t) => {
  const world = await World.open(t)
  for (const command of [['fence'], ['quarantine', 'release'], ['quarantine', 'discard']]) {
    const { stdout } = await world.lockkeeper(...command, '--help')
    t.regex(stdout, /^Usage: .* --reason <TEXT> \[options\]$/m)
    t.regex(stdout, /--reason <TEXT> +why \(required\)/)
  }
})

test.serial('the journal is read from a position, a time, and as it grows', async (t) => {
  const { world, gateway } = await overtaken(t)
  const all = await journalOf(world)
  const from3 = await world.lockkeeper('journal', 'repo', '--since', '3', '--json')
  t.is(from3.stdout.trim().split('\n').length, all.length - 2)
  const hour = await world.lockkeeper('journal', '--since', '1h', '--json')
  t.is(hour.stdout.trim().split('\n').length, all.length)
  const later = await world.lockkeeper('journal', '--since', '2999-01-01')
  t.is(later.stdout, '')
  for (const record of all) {
    t.like(record, { repository: 'repo' })
    t.regex(String(record.hash), /^[0-9a-f]{64}$/)
    t.false(Number.isNaN(Date.parse(String(record.time))))
  }

  const following = follow(world, 'journal', '--follow')
  await following.says(/refused/)
  await new RestWriter(gateway.port, 'other', 'follow-me').init()
  await new RestWriter(gateway.port, 'other', 'follow-me').begin()
  await following.says(/other \d+ +opened +w-\w+ began, from 127.0.0.1, tag follow-me/)
  following.signal('SIGINT')
  t.is((await following.ended).code, 0)

  await gateway.stop()
  const alone = await world.lockkeeper('journal', '--follow')
  t.is(alone.code, 3)
})

test.serial('a chain is proved, and a record that was tampered with is found', async (t) => {
  const { world, gateway } = await overtaken(t)
  const sound = await world.lockkeeper('journal', 'verify')
  t.is(sound.code, 0)
  const head = /head ([0-9a-f]{64})/.exec(sound.stdout)?.[1] ?? ''
  await world.lockkeeper('fence', 'repo', '--reason', 'one record more')
  t.is((await world.lockkeeper('journal', 'verify', 'repo', '--head', head)).code, 0)
  const strange = await world.lockkeeper('journal', 'verify', '--head', 'f'.repeat(64))
  t.is(strange.code, 1)
  t.regex(strange.stderr, /taken out/)

  await gateway.stop()
  tamper(join(world.repositories, '.lockkeeper', 'journal.sqlite'))
  const tampered = await world.lockkeeper('journal', 'verify')
  t.is(tampered.code, 1)
  t.regex(tampered.stdout, /repo: BAD at record 4/)

  await gateway.start()
  await gateway.child.says(/WARNING: record 4 .* put .*journal\.\* back from a backup/)
  const client = new RestWriter(gateway.port, 'repo', 'reader')
  t.is(await client.read('config'), 200)
  t.is(await client.post({ name: `data/${'0'.repeat(64)}`, bytes: Buffer.from('x') }), 503)
  const status = await world.lockkeeper('status')
  t.is(status.code, 1)
  t.regex(status.stdout, /NOTHING IS COMMITTED/)
})

/** Changes one character of one record. */
const tamper = (file: string): void => {
  const database = new Database(file)
  try {
    const changed = database
      .prepare(
        `UPDATE record SET body = replace(body, '"kind"', '"kinD"')
         WHERE id = (SELECT id FROM record ORDER BY id LIMIT 1 OFFSET 3)`,
      )
      .run()
    if (changed.changes !== 1) throw new Error('no record was changed')
  } finally {
    database.close()
  }
}

test.serial('a file that is no journal: reads are served, writes refused', async (t) => {
  const { world, gateway } = await overtaken(t)
  await gateway.stop()
  const file = join(world.repositories, '.lockkeeper', 'journal.sqlite')
  await writeFile(file, 'this is no database, however long one looks at it '.repeat(100))
  await gateway.start()
  await gateway.child.says(/WARNING: the journal .* is damaged/)
  const client = new RestWriter(gateway.port, 'repo', 'reader')
  t.is(await client.read('config'), 200)
  t.is(await client.post({ name: `data/${'0'.repeat(64)}`, bytes: Buffer.from('x') }), 503)
  t.is((await world.lockkeeper('journal', 'verify')).code, 1)
  t.is((await world.lockkeeper('status')).code, 1)
})

test.serial('the socket is for its user alone, and no door reaches the state', async (t) => {
  const { world, gateway } = await overtaken(t)
  const state = join(world.repositories, '.lockkeeper')
  t.is((await stat(state)).mode & 0o777, 0o700)
  t.is((await stat(join(state, 'admin.sock'))).mode & 0o777, 0o600)
  const at = `http://127.0.0.1:${gateway.port}`
  for (const path of ['.lockkeeper/admin.sock', '.lockkeeper/config', '%2elockkeeper/config']) {
    t.is((await fetch(`${at}/${path}`)).status, 404, path)
  }
  t.is((await fetch(`${at}/status`, { method: 'POST' })).status, 404)
})

test.serial('a gateway that was killed leaves nothing in the way of the next', async (t) => {
  const { world, gateway } = await overtaken(t)
  await gateway.kill()
  t.is((await statusOf(world)).length, 1)
  await gateway.start()
  t.is((await statusOf(world)).length, 1)
})

test.serial(
  'with more in the pipe than its reader wants, a command ends in peace',
  async (t) => {
    const { world } = await overtaken(t)
    const [file, ...args] = gatewayCommand(['journal', '--path', world.repositories])
    const line = [file, ...args].map((word) => `'${word}'`).join(' ')
    const script = `${line} 2>&1 | head -n 1; echo "\${PIPESTATUS[0]}"`
    const child = new Child('/bin/bash', ['-c', script], { env: world.environment() })
    const { stdout } = await child.ended
    t.regex(stdout, /adopted.*\n0\n$/s)
  },
)
