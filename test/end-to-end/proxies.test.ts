/** The sleeping laptop behind real proxies, set up as the documents say. */
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { Client } from 'undici'
import type { Child } from './harness/child.js'
import type { Service } from './harness/service.js'
import { MIB, randomBytes, writeFiles } from './harness/content.js'
import { quarantineOf, statusOf } from './harness/facts.js'
import {
  programOf,
  startProxy,
  tlsFixture,
  trustingOurs,
  type ProxyKind,
} from './harness/proxy.js'
import { savedBy, startSleeper, type Sleeper } from './harness/sleeper.js'
import { backUp, soundness, type Saved } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { expectSuccess, World } from './harness/world.js'

interface Context {
  readonly world: World
  readonly folder: string
  readonly gateway: Service
  readonly saved: Saved
  /** Asleep, with packs that no index names yet. */
  readonly sleeper: Sleeper
  /** The repository's address, for another run. */
  readonly repository: () => string
  /** Runs restic on the repository as another run. */
  readonly start: (...args: readonly string[]) => Child
}

interface Setup {
  readonly kind: ProxyKind
  readonly args: readonly string[]
  /** Every run has a tag of its own. */
  readonly isTagged?: true
}

const play = async (t: ExecutionContext, setup: Setup): Promise<Context> => {
  const { kind, args, isTagged } = setup
  const world = await World.open(t, trustingOurs)
  const folder = await world.repository('0.18')
  // Whoever may see the gateway start connects to it, which under the PROXY protocol is closed at once.
  const gateway = await world.gateway({ args: ['--log-level', 'debug', ...args] })
  const { url } = await startProxy(t, world, kind, gateway.port)
  let runs = 0
  const repository = (): string => {
    runs += 1
    return isTagged === true ? `${url}-/w/run-${runs}/repo/` : `${url}repo/`
  }
  const files = world.path('files')
  await writeFiles(files, 'kept', { letters: 2 * MIB })
  await writeFiles(files, 'old', { photos: 2 * MIB })
  await backUp(world, '0.18', repository(), files)
  await rm(world.path('files', 'photos'))
  const saved = await backUp(world, '0.18', repository(), files)
  const sleeper = await startSleeper(world, {
    ...{ version: '0.18', repository: repository(), folder, seed: 'sleeper' },
    leansOn: randomBytes('old/photos', 2 * MIB),
  })
  await sleeper.child.sleep()
  const start = (...args: readonly string[]): Child =>
    // Few lines, since what comes on a new one beside a sleeper may have to wait; a prune needs two.
    world.restic('0.18', ['-r', repository(), '-o', 'rest.connections=2', ...args])
  return { world, folder, gateway, saved, sleeper, repository, start }
}

const told: readonly (Setup & { readonly how: string; readonly words: RegExp })[] = [
  {
    kind: 'nginx',
    how: 'declared, over HTTP/2',
    args: ['--trusted-proxy', '127.0.0.1'],
    // HTTP/2 has no reason phrase.
    words: /403 Forbidden/,
  },
  {
    kind: 'nginx-http1',
    how: 'declared, over HTTP/1.1',
    args: ['--trusted-proxy', '127.0.0.1'],
    words: /403 Write fenced: a prune \(generation \d\) overtook this run/,
  },
  {
    kind: 'haproxy',
    how: 'with the PROXY protocol',
    args: ['--trusted-proxy', '127.0.0.1', '--proxy-protocol'],
    words: /403 Write fenced: a prune \(generation \d\) overtook this run/,
  },
  {
    kind: 'caddy',
    how: 'declared, with tags',
    args: ['--trusted-proxy', '127.0.0.1'],
    isTagged: true,
    // It hands on the status, and no reason phrase.
    words: /403 Forbidden/,
  },
]

for (const { how, words, ...setup } of told)
  testWith(programOf(setup.kind), 'restic-0.18')(
    `behind ${programOf(setup.kind)}, ${how}: the sleeper is told at once`,
    async (t) => {
      const { world, folder, saved, sleeper, start } = await play(t, setup)
      await expectSuccess(start('unlock', '--remove-all'))
      await expectSuccess(start('forget', '--keep-last', '1', '--prune'))
      t.deepEqual(await soundness(world, folder, [saved]), [])
      sleeper.child.wake()
      const ended = await sleeper.finish()
      t.is(ended.code, 1)
      t.deepEqual(savedBy(sleeper, ended), [])
      t.regex(ended.stderr, words)
      t.is((await quarantineOf(world))[0]?.reason, 'stale')
      t.deepEqual(await soundness(world, folder, [saved]), [])
    },
  )

const slowMs = 20_000

for (const { how, ...setup } of told)
  testWith(
    programOf(setup.kind),
    'restic-0.18',
    'restic-0.19',
  )(
    `behind ${programOf(setup.kind)}, ${how}: three backups at once beside an overtaken sleeper lose seconds at most`,
    async (t) => {
      const { world, folder, gateway, saved, sleeper, repository, start } = await play(t, setup)
      await expectSuccess(start('unlock', '--remove-all'))
      await expectSuccess(start('forget', '--keep-last', '1', '--prune'))
      const began = performance.now()
      const backups = (['0.18', '0.19', '0.19'] as const).map(async (version, at) => {
        const cwd = world.path(`machine-${at}`)
        await writeFiles(cwd, `machine-${at}`, { letters: MIB })
        const args = ['-r', repository(), 'backup', '.']
        await expectSuccess(world.restic(version, args, { cwd, home: `machine-${at}` }))
        return performance.now() - began
      })
      const took = await Promise.all(backups)
      t.true(Math.max(...took) < slowMs, `${took.map(Math.round).join(', ')} ms`)
      // Over HTTP/2 a run has one connection, on which it opened; a tag says it too.
      const isKnown = setup.kind === 'nginx' || setup.isTagged === true
      if (isKnown) t.notRegex(gateway.child.output, /"status":503/)
      t.deepEqual(await soundness(world, folder, [saved]), [])
      sleeper.child.wake()
      t.is((await sleeper.finish()).code, 1)
    },
  )

testWith('nginx', 'restic-0.18')(
  'behind nginx, undeclared: no connection says whose it is; a second run goes on, and the log warns',
  async (t) => {
    const world = await World.open(t, trustingOurs)
    const folder = await world.repository('0.18')
    const gateway = await world.gateway()
    const { url } = await startProxy(t, world, 'nginx', gateway.port)
    const files = world.path('files')
    await writeFiles(files, 'kept', { letters: MIB })
    const saved = await backUp(world, '0.18', `${url}repo/`, files)
    await writeFiles(files, 'more', { letters: MIB })
    const second = await backUp(world, '0.18', `${url}repo/`, files)
    t.notRegex(gateway.child.output, /"kind":"knocked"/, 'both runs are current')
    t.regex(gateway.child.output, /"level":"warn".*--trusted-proxy/)
    t.deepEqual(await soundness(world, folder, [saved, second]), [])
  },
)

/** One line of a client to the proxy, as restic keeps it. */
interface Line {
  /** Resolves to the status. */
  readonly ask: (method: 'HEAD' | 'GET' | 'DELETE', path: string) => Promise<number>
  readonly hangUp: () => void
}

const lineTo = async (proxy: string, isHttp2: boolean): Promise<Line> => {
  const ca = await readFile(tlsFixture('ca.pem'))
  if (!isHttp2) {
    const client = new Client(proxy, { connect: { ca } })
    return {
      ask: async (method, path) => {
        const { statusCode, body } = await client.request({ method, path })
        await body.dump()
        return statusCode
      },
      hangUp: () => void client.destroy(),
    }
  }
  const session = connectHttp2(proxy, { ca })
  const hungUp = once(session, 'close').then(() => Promise.reject(new Error('hung up')))
  hungUp.catch(() => undefined)
  return {
    ask: async (method, path) => {
      const stream = session.request({ ':method': method, ':path': path })
      const [headers] = (await Promise.race([once(stream, 'response'), hungUp])) as [
        { ':status'?: number },
      ]
      await stream.resume().toArray()
      return headers[':status'] ?? 0
    },
    hangUp: () => session.destroy(),
  }
}

for (const { kind, args } of told)
  testWith(programOf(kind), 'restic-0.18')(
    `behind ${kind}: a deletion that comes after its run has ended is not carried out where its client hangs up`,
    async (t) => {
      const world = await World.open(t)
      const folder = await world.repository('0.18')
      const files = world.path('files')
      await writeFiles(files, 'kept', { letters: MIB })
      await backUp(world, '0.18', folder, files)
      const gateway = await world.gateway({ args: ['--log-level', 'debug', ...args] })
      const { url } = await startProxy(t, world, kind, gateway.port)
      const proxy = url.replace(/^rest:/, '')
      const newLine = async (): Promise<Line> => {
        const line = await lineTo(proxy, kind === 'nginx')
        t.teardown(line.hangUp)
        return line
      }
      const begin = async (): Promise<void> => {
        const { ask } = await newLine()
        t.is(await ask('HEAD', '/repo/config'), 200)
        t.is(await ask('GET', '/repo/index/'), 200)
      }
      await begin()
      const [status] = await statusOf(world)
      await world.lockkeeper('writers', 'end', status?.writers[0]?.id ?? '')
      await begin()
      const [index = ''] = await readdir(join(folder, 'index'))
      const late = await newLine()
      const answer = late.ask('DELETE', `/repo/index/${index}`)
      await Promise.all([t.throwsAsync(answer), sleep(100).then(late.hangUp)])
      await gateway.child.says(/"method":"DELETE".*"isBrokenOff":true/)
      t.deepEqual(await readdir(join(folder, 'index')), [index])
      const living = await newLine()
      t.is(await living.ask('DELETE', `/repo/index/${index}`), 200)
      t.deepEqual(await readdir(join(folder, 'index')), [])
    },
  )
