/** What a monitor reads of the gateway: rest-server's own figures, and those of the fence. */
import { hash } from 'bcrypt'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { clientPath, projectRoot } from './harness/clients.js'
import { writeFiles } from './harness/content.js'
import { freePort, type Service } from './harness/service.js'
import { testWith } from './harness/test-with.js'
import { eventually } from './harness/wait.js'
import { World } from './harness/world.js'

const textOf = async (service: Service): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${service.port}/metrics`)
  return answer.text()
}

/** The series that begin so, with their labels in order; without their values where these differ from run to run. */
const seriesOf = (text: string, start: string, isBare = false): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (.*)$/.exec(line) ?? []
      const sorted = labels.split(',').sort().join(',')
      return `${name}{${sorted}} ${isBare ? '' : Number(value)}`
    })
    .sort()

const contentOf = (length: number): { readonly id: string; readonly bytes: Buffer } => {
  const bytes = Buffer.alloc(length, 7)
  return { id: createHash('sha256').update(bytes).digest('hex'), bytes }
}

/** Every verb, a range, what is not there, and what is refused. */
const askAll = async (service: Service): Promise<void> => {
  const at = (path: string): string => `http://127.0.0.1:${service.port}/family/laptop/${path}`
  const { id, bytes } = contentOf(5000)
  const { id: lock, bytes: lockBytes } = contentOf(150)
  await fetch(at('?create=true'), { method: 'POST' })
  await fetch(at('config'), { method: 'POST', body: contentOf(155).bytes })
  await fetch(at('config'))
  for (const [name, body] of [
    [`data/${id}`, bytes],
    [`locks/${lock}`, lockBytes],
  ] as const) {
    await fetch(at(name), { method: 'POST', body })
    await fetch(at(name), { method: 'HEAD' })
  }
  for (const range of ['bytes=10-19', 'bytes=4990-', 'bytes=0-']) {
    const answer = await fetch(at(`data/${id}`), { headers: { range } })
    await answer.arrayBuffer()
  }
  await (await fetch(at(`locks/${lock}`))).arrayBuffer()
  await (await fetch(at('data/'))).text()
  await (await fetch(at(`data/${'0'.repeat(64)}`))).text()
  await fetch(at(`data/${'1'.repeat(64)}`), { method: 'POST', body: bytes })
  await fetch(at(`locks/${lock}`), { method: 'DELETE' })
}

testWith('rest-server')(
  'the figures of rest-server have the names, the labels and the values that they have there',
  async (t) => {
    const world = await World.open(t)
    const args = ['--no-auth', '--prometheus']
    const gateway = await world.gateway({ args })
    await askAll(gateway)
    const ours = await textOf(gateway)
    await gateway.stop()
    const other = await World.open(t)
    const peer = await other.restServer({ args })
    await askAll(peer)
    const theirs = await textOf(peer)
    t.deepEqual(seriesOf(ours, 'rest_server_'), seriesOf(theirs, 'rest_server_'))
    t.true(seriesOf(ours, 'rest_server_').length >= 10)
  },
)

testWith('rest-server', 'restic-0.18')(
  'restic makes the same series here and there',
  async (t) => {
    const texts: string[] = []
    for (const kind of ['gateway', 'restServer'] as const) {
      const world = await World.open(t)
      const files = world.path('files')
      await writeFiles(files, 'first', { first: 100_000 })
      const service = await world[kind]({ args: ['--no-auth', '--prometheus'] })
      const run = async (...words: string[]): Promise<void> => {
        await world.run('0.18', ['-r', service.url('a/b'), ...words], { cwd: files })
      }
      await run('init')
      await run('backup', '.')
      await run('forget', '--keep-last', '1', '--prune')
      await run('check', '--read-data')
      texts.push(await textOf(service))
    }
    const [ours, theirs] = texts.map((text) => seriesOf(text, 'rest_server_', true))
    t.deepEqual(ours, theirs)
  },
)

testWith('rest-server')('who may read them is who may there', async (t) => {
  const answersOf = async (kind: 'gateway' | 'restServer'): Promise<readonly string[]> => {
    const world = await World.open(t)
    const htpasswd = world.path('htpasswd')
    const lines = ['ann', 'metrics'].map(async (user) => `${user}:${await hash(user, 4)}\n`)
    await writeFile(htpasswd, (await Promise.all(lines)).join(''))
    const told: string[] = []
    for (const flags of [
      [],
      ['--private-repos'],
      ['--prometheus-no-auth', '--private-repos'],
    ]) {
      const args = ['--prometheus', '--htpasswd-file', htpasswd, ...flags]
      const service = await world[kind]({ args })
      for (const user of ['', 'ann', 'metrics']) {
        const headers: Record<string, string> =
          user === '' ? {} : { authorization: `Basic ${btoa(`${user}:${user}`)}` }
        const answer = await fetch(`http://127.0.0.1:${service.port}/metrics`, { headers })
        told.push(`${flags.join(' ')} ${user}: ${answer.status}`)
        await answer.text()
      }
      await service.stop()
    }
    return told
  }
  const ours = await answersOf('gateway')
  t.deepEqual(ours, await answersOf('restServer'))
  t.true(ours.includes('--private-repos ann: 401'))
})

testWith('restic-0.18')('the figures of the fence, also after a restart', async (t) => {
  const world = await World.open(t)
  await world.repository('0.18', 'repo')
  const gateway = await world.gateway({ args: ['--no-auth', '--prometheus'] })
  const files = world.path('files')
  const back = async (name: string): Promise<void> => {
    await writeFiles(files, name, { [name]: 100_000 })
    await world.run('0.18', ['-r', gateway.url('repo'), 'backup', '.'], { cwd: files })
  }
  await back('one')
  await back('two')
  const prune = ['forget', '--keep-last', '1', '--prune', '--max-unused', '0']
  await world.run('0.18', ['-r', gateway.url('repo'), ...prune], { cwd: files })
  const before = Date.now() / 1000
  const text = await textOf(gateway)
  const valueOf = (whole: string, series: string): number =>
    Number(
      whole
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    )
  const last =
    'lockkeeper_last_snapshot_timestamp_seconds{repository="repo",client="127.0.0.1"}'
  t.is(valueOf(text, 'lockkeeper_generation{repository="repo"}'), 2)
  t.is(valueOf(text, 'lockkeeper_quarantine_items{repository="repo"}'), 0)
  t.is(valueOf(text, 'lockkeeper_locks{repository="repo"}'), 0)
  t.is(valueOf(text, 'lockkeeper_repository_fault{repository="repo"}'), 0)
  t.true(valueOf(text, 'lockkeeper_free_bytes{place="state"}') > 0)
  t.true(valueOf(text, 'lockkeeper_decision_seconds_count{verb="upload"}') > 5)
  t.true(valueOf(text, 'lockkeeper_decision_seconds_count{verb="deletion"}') > 2)
  t.true(valueOf(text, 'lockkeeper_journal_append_seconds_count') > 5)
  t.true(before - valueOf(text, last) < 120, 'the last snapshot was a moment ago')
  const stale =
    'lockkeeper_refused_writes_total{repository="repo",verb="upload",reason="stale"}'
  t.is(valueOf(text, stale), 0, 'it is there before there is anything to count')
  const told = await fetch(`http://127.0.0.1:${gateway.port}/repo/data/${'1'.repeat(64)}`, {
    method: 'POST',
    body: 'other',
  })
  t.is(told.status, 400)
  const refused =
    'lockkeeper_refused_writes_total{repository="repo",verb="upload",reason="wrong-hash"}'
  t.is(valueOf(await textOf(gateway), refused), 1)

  await gateway.stop()
  await gateway.start()
  // Earlier snapshots are found beside the serving, once it has begun.
  const found = await eventually('the time of the last snapshot', async () => {
    const value = valueOf(await textOf(gateway), last)
    return Number.isNaN(value) ? undefined : value
  })
  t.is(found, valueOf(text, last))
})

const configFolder = join(projectRoot, 'config', 'prometheus')

testWith('promtool')('the alert rules hold in their own tests', async (t) => {
  const world = await World.open(t)
  const ended = await world.command(
    [clientPath('promtool'), 'test', 'rules', join(configFolder, 'alerts.test.yaml')],
    {},
  ).ended
  t.is(ended.code, 0, ended.stdout + ended.stderr)
})

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

/** What Grafana puts for its variables. */
const filledIn = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$instance', '.*')
    .replaceAll('$repository', '.*')

testWith('prometheus', 'restic-0.18')(
  'a real Prometheus scrapes the gateway, and each panel of the dashboard shows something',
  async (t) => {
    const world = await World.open(t)
    await world.repository('0.18', 'repo')
    const gateway = await world.gateway({ args: ['--no-auth', '--prometheus'] })
    const files = world.path('files')
    await writeFiles(files, 'one', { one: 100_000 })
    await world.run('0.18', ['-r', gateway.url('repo'), 'backup', '.'], { cwd: files })
    const port = await freePort()
    const settings = world.path('prometheus.yml')
    await writeFile(
      settings,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [join(configFolder, 'alerts.yaml')],
        scrape_configs: [
          {
            job_name: 'lockkeeper',
            static_configs: [{ targets: [`127.0.0.1:${gateway.port}`] }],
          },
        ],
      }),
    )
    const server = world.command([
      clientPath('prometheus'),
      `--config.file=${settings}`,
      `--storage.tsdb.path=${world.path('tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    const ask = async (query: string): Promise<number> => {
      const address = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`
      const answer = (await (await fetch(address)).json()) as {
        readonly status: string
        readonly data?: { readonly result: readonly unknown[] }
      }
      if (answer.status !== 'success') throw new Error(`${query}: ${JSON.stringify(answer)}`)
      return answer.data?.result.length ?? 0
    }
    const isScraped = (): Promise<boolean> =>
      ask('count_over_time(up{job="lockkeeper"}[1m]) >= 3').then(
        (count) => count > 0,
        () => false,
      )
    await eventually(() => `Prometheus to scrape thrice:\n${server.output}`, isScraped)
    t.is(await ask('up{job="lockkeeper"} == 1'), 1)
    const text = await readFile(join(configFolder, 'dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as Dashboard
    t.true(panels.length >= 10)
    for (const { title, targets } of panels) {
      for (const { expr } of targets)
        t.true((await ask(filledIn(expr))) > 0, `${title}: ${expr}`)
    }
    const told = (await (await fetch(`http://127.0.0.1:${port}/api/v1/alerts`)).json()) as {
      readonly data: { readonly alerts: readonly unknown[] }
    }
    t.deepEqual(told.data.alerts, [], 'nothing is wrong')
  },
)
