/** The sleeping laptop behind real proxies, set up as the documents say. */
import { rm } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import type { Child } from './harness/child.js'
import type { Service } from './harness/service.js'
import { MIB, randomBytes, writeFiles } from './harness/content.js'
import { quarantineOf } from './harness/facts.js'
import { programOf, startProxy, trustingOurs, type ProxyKind } from './harness/proxy.js'
import { savedBy, startSleeper, type Sleeper } from './harness/sleeper.js'
import { backUp, soundness, type Saved } from './harness/soundness.js'
import { testWith } from './harness/test-with.js'
import { expectSuccess, World } from './harness/world.js'

interface Scene {
  readonly world: World
  readonly folder: string
  readonly gateway: Service
  readonly saved: Saved
  /** Asleep, with packs that no index names yet. */
  readonly sleeper: Sleeper
  /** Runs restic on the repository as another run. */
  readonly start: (...args: readonly string[]) => Child
}

interface Setup {
  readonly kind: ProxyKind
  readonly args: readonly string[]
  /** Every run has a tag of its own. */
  readonly isTagged?: true
}

const play = async (t: ExecutionContext, setup: Setup): Promise<Scene> => {
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
  return { world, folder, gateway, saved, sleeper, start }
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

testWith('nginx', 'restic-0.18')(
  'behind nginx, undeclared: no line says whose it is, so a second run is put off, and the log says why',
  async (t) => {
    const world = await World.open(t, trustingOurs)
    const folder = await world.repository('0.18')
    const gateway = await world.gateway()
    const { url } = await startProxy(t, world, 'nginx', gateway.port)
    const files = world.path('files')
    await writeFiles(files, 'kept', { letters: MIB })
    const saved = await backUp(world, '0.18', `${url}repo/`, files)
    const second = world.restic('0.18', ['-r', `${url}repo/`, 'backup', files])
    await gateway.child.says(/"verb":"upload","object":"index.*"msg":"knocked/)
    t.regex(gateway.child.output, /"level":"warn".*--trusted-proxy/)
    await second.kill()
    t.deepEqual(await soundness(world, folder, [saved]), [])
  },
)
