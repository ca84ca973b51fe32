/**
 * `npm run bench -- operator`: how fast the operators' pages and a scrape answer beside 1,000 repositories and 1,000,000
 * records, also just after a start, and what a client notices of somebody who loads pages without a pause.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { connectApi } from '../gateway/operate/api/client.js'
import { adminSocketIn, stateFolderOf } from '../gateway/program/state/places.js'
import { Child } from '../test/end-to-end/harness/child.js'
import { freePort, gatewayCommand } from '../test/end-to-end/harness/service.js'
import { clientRound } from './client-round.js'
import { median } from './measure.js'
import { dayMs, fillState, nameOf, type FillOptions } from './operator-state.js'

interface Options extends FillOptions {
  readonly rounds: number
  readonly folder: string
  readonly json?: string
}

interface Row {
  readonly title: string
  /** Undefined where nothing is promised. */
  readonly wantedMs: number | undefined
  readonly values: readonly number[]
}

interface Asked {
  readonly title: string
  readonly wantedMs: number
  readonly ask: () => Promise<void>
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

async function rowOf({ title, wantedMs, ask }: Asked, rounds: number): Promise<Row> {
  const values: number[] = []
  for (let round = 0; round < rounds; round += 1) values.push(await timed(ask))
  return { title, wantedMs, values }
}

/** Throws where it is not answered with 200. */
const getter = (origin: string, token: string) => (path: string) => async (): Promise<void> => {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${origin}${path}`, { headers })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`)
}

interface Running {
  readonly origin: string
  readonly admin: string
  readonly token: string
  readonly startedMs: number
  readonly stop: () => Promise<void>
}

async function start(root: string): Promise<Running> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const words = ['serve', '--path', root, '--listen', `127.0.0.1:${port}`, '--prometheus']
  const [file, ...args] = gatewayCommand([...words, '--admin-listen', `127.0.0.1:${adminPort}`])
  const child = new Child(file, args, { env: { PATH: process.env.PATH ?? '' } })
  const startedMs = await timed(() => child.says(/Lockkeeper serves/, 600_000))
  const api = connectApi(adminSocketIn(stateFolderOf(root)))
  const { token } = await api.addToken({ name: 'bench', role: 'viewer', by: 'bench' })
  await api.close()
  const stop = async (): Promise<void> => {
    child.signal('SIGTERM')
    await child.ended
  }
  const [origin, admin] = [port, adminPort].map((one) => `http://127.0.0.1:${one}`)
  return { origin: origin ?? '', admin: admin ?? '', token, startedMs, stop }
}

function askedOf({ origin, admin, token }: Running, options: FillOptions): Asked[] {
  const get = getter(admin, token)
  const journal = (title: string, query: string): Asked => {
    return { title: `journal, ${title}`, wantedMs: 200, ask: get(`/-/ui/journal?${query}`) }
  }
  const days = options.records / options.repositories / 5
  const ago = (part: number): string =>
    new Date(Date.now() - days * part * dayMs).toISOString().slice(0, 16)
  const host = `repository=${encodeURIComponent(nameOf(7))}`
  return [
    { title: 'front page', wantedMs: 100, ask: get('/-/ui/') },
    { title: 'scrape of /metrics', wantedMs: 50, ask: getter(origin, token)('/metrics') },
    journal('newest', ''),
    journal('middle (by time)', `until=${ago(0.5)}`),
    journal('oldest (by time)', `until=${ago(0.995)}`),
    journal('a span of time', `since=${ago(0.6)}&until=${ago(0.5)}`),
    journal('a client', 'client=host-7'),
    journal('a kind', 'kind=ended'),
    journal('a kind that never was', 'kind=fenced'),
    journal('a client, a kind, a time', `client=host-7&kind=committed&until=${ago(0.5)}`),
    journal('a repository', host),
    journal('a repository, middle', `${host}&until=${ago(0.5)}`),
    { title: 'a repository', wantedMs: 200, ask: get(`/-/ui/repositories/${host.slice(11)}`) },
  ]
}

/** In one run: before, while somebody loads pages without a pause, and after. */
async function clientRows(running: Running, asked: readonly Asked[]): Promise<Row[]> {
  const rows: Row[] = []
  const seconds = 8
  // What is done for the first time is no part of any.
  for (let round = 0; round < 20; round += 1) await clientRound(running.origin, nameOf(3))
  for (const when of ['before', 'during', 'after']) {
    const done = new AbortController()
    const pages = (async (): Promise<void> => {
      while (when === 'during' && !done.signal.aborted) {
        for (const { ask } of asked) await ask()
      }
    })()
    const values: number[] = []
    const until = performance.now() + seconds * 1_000
    while (performance.now() < until) values.push(await clientRound(running.origin, nameOf(3)))
    done.abort()
    await pages
    rows.push({ title: `a client's five requests, ${when}`, wantedMs: undefined, values })
  }
  return rows
}

const msText = (ms: number): string => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`

function lineOf({ title, wantedMs, values }: Row): string {
  const sorted = [...values].sort((one, other) => one - other)
  const nearlyAll = sorted[Math.floor(sorted.length * 0.95)] ?? 0
  const cells = [values[0] ?? 0, median(values), nearlyAll, sorted.at(-1) ?? 0].map(msText)
  const wanted = wantedMs === undefined ? '' : msText(wantedMs)
  return `| ${[title, wanted, ...cells].join(' | ')} |`
}

const header = [
  '| what | wanted | first | median | 95 of 100 | slowest |',
  '| --- | --- | --- | --- | --- | --- |',
]

async function measure(root: string, options: Options): Promise<Row[]> {
  const rows: Row[] = []
  const add = (title: string, ms: number): void => {
    rows.push({ title, wantedMs: undefined, values: [ms] })
    say(`${title}: ${(ms / 1_000).toFixed(1)} s`)
  }
  add('filling', await timed(() => fillState(root, options)))
  for (const which of ['first start', 'second start']) {
    const running = await start(root)
    try {
      add(`${which}: until it serves`, running.startedMs)
      const asked = askedOf(running, options)
      if (which === 'first start') {
        const first = asked.find(({ title }) => title === 'journal, newest')
        if (first !== undefined) add('first start: until all is found', await timed(first.ask))
      }
      for (const one of asked) {
        const row = await rowOf(one, options.rounds)
        rows.push({ ...row, title: `${which}: ${row.title}` })
        say(lineOf(row))
      }
      if (which === 'second start') rows.push(...(await clientRows(running, asked)))
    } finally {
      await running.stop()
    }
  }
  return rows
}

async function run(options: Options): Promise<void> {
  const root = await mkdtemp(join(options.folder, 'lockkeeper-bench-'))
  try {
    const rows = await measure(root, options)
    process.stdout.write(`${[...header, ...rows.map(lineOf)].join('\n')}\n`)
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 3 })
  }
}

await new Command('bench operator')
  .description('Measure the pages for operators beside many repositories and records.')
  .option('--repositories <n>', 'so many', Number, 1_000)
  .option('--records <n>', 'over all repositories', Number, 1_000_000)
  .option('--rounds <n>', 'requests of each page', Number, 20)
  .option('--json <file>', 'write all figures there too')
  .option('--folder <dir>', 'put the files there: the disk that is measured', tmpdir())
  .action((options: Options) => run(options))
  .parseAsync()
