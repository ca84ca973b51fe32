/** A real gateway that is told whom to tell: what a fenced write comes to, over a restart, and that no secret is shown. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { execa } from 'execa'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { gatewayCommand } from '../end-to-end/harness/service.js'
import { World } from '../end-to-end/harness/world.js'
import { objectOf, overtake, RestWriter } from '../gateway/rest-writer.js'
import { openReceiver } from './receiver.js'
import { secret } from './scene.js'

const Body = z.object({ type: z.string(), data: z.looseObject({ client: z.string() }) })
const Targets = z.object({
  targets: z.array(
    z.object({ target: z.string(), arrived: z.boolean(), why: z.string().nullable() }),
  ),
})

const run = async (
  world: World,
  words: readonly string[],
): Promise<{ readonly code: number | undefined; readonly out: string }> => {
  const [command, ...args] = gatewayCommand(words)
  const env = world.environment()
  const ended = await execa(command, args, { reject: false, env, extendEnv: false })
  return { code: ended.exitCode, out: `${ended.stdout}${ended.stderr}` }
}

test.serial(
  'a fenced write is told, a restart tells it once, and no secret is shown',
  async (t) => {
    const world = await World.open(t)
    const hook = await openReceiver(t)
    const check = await openReceiver(t, (at) => ({ status: at === 0 ? 404 : 200 }))
    const config = world.path('settings.yaml')
    await writeFile(
      config,
      `
notify:
  webhooks: [{ url: ${hook.url}/T0/sesame, secret: ${secret}, events: [write.fenced] }]
  healthchecks: [{ url: '${check.url}/tulip/{repository}' }]
`,
    )
    const send = (...args: readonly string[]): ReturnType<typeof run> =>
      run(world, ['notify', 'test', '--path', world.repositories, ...args])

    const gateway = await world.gateway({ args: ['--config', config, '--log-level', 'trace'] })
    const failed = await send('--json')
    t.is(failed.code, 1)
    const { targets } = Targets.parse(JSON.parse(failed.out))
    t.deepEqual(targets, [
      { target: `webhook 1, ${hook.url}`, arrived: true, why: null },
      { target: `healthchecks 1, ${check.url}`, arrived: false, why: 'it answers 404' },
    ])
    const fine = await send()
    t.is(fine.code, 0, fine.out)
    t.regex(fine.out, /healthchecks 1, \S+ +arrived/)

    await overtake(gateway.port, 'repo')
    await hook.until(3)
    const [, , { headers, body } = { headers: {}, body: '' }] = hook.received
    const told = Body.parse(new Webhook(secret).verify(body, headers as Record<string, string>))
    t.is(told.type, 'write.fenced')
    t.is(told.data.client, '127.0.0.1')
    while (!check.received.some(({ path }) => path === '/tulip/repo/fail')) {
      await check.until(check.received.length + 1)
    }
    await gateway.stop()

    const again = await world.gateway({ args: ['--config', config, '--log-level', 'trace'] })
    await overtake(again.port, 'desk')
    await hook.until(4)
    t.regex(hook.received[3]?.body ?? '', /"repository":"desk"/)
    const shown = await run(world, ['config', 'check', '--config', config, '--json'])
    t.regex(shown.out, /webhook 1, .*: write\.fenced/)
    await again.stop()

    const folder = join(world.repositories, '.lockkeeper', 'notify')
    const kept = await Promise.all(
      (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
    )
    t.is(kept.length, 2)
    const said = [gateway.child.output, again.child.output, shown.out, failed.out, ...kept]
    for (const word of [secret.slice(6), 'sesame', 'tulip']) {
      t.false(said.join('\n').includes(word), word)
    }
  },
)

test.serial('a test without anybody to tell, or without a gateway, says so', async (t) => {
  const world = await World.open(t)
  const ask = (): ReturnType<typeof run> =>
    run(world, ['notify', 'test', '--path', world.repositories])
  const gateway = await world.gateway()
  const nobody = await ask()
  t.is(nobody.code, 1)
  t.regex(nobody.out, /^Nobody is to be told: "notify" in the file of settings/)
  await gateway.stop()
  const none = await ask()
  t.is(none.code, 1)
  t.regex(none.out, /no gateway runs here/)
})

test.serial(
  'a gateway that is killed while a webhook hangs tells all of it afterwards',
  async (t) => {
    const world = await World.open(t)
    const hook = await openReceiver(t, (at) => (at === 0 ? undefined : { status: 200 }))
    const check = await openReceiver(t)
    const config = world.path('settings.yaml')
    await writeFile(
      config,
      `
notify:
  webhooks: [{ url: ${hook.url}, secret: ${secret} }]
  healthchecks: [{ url: '${check.url}/{repository}-{client}' }]
`,
    )
    const gateway = await world.gateway({ args: ['--config', config] })
    await overtake(gateway.port, 'repo')
    await hook.until(1)
    const writer = new RestWriter(gateway.port, 'desk', 'a-run')
    await writer.init()
    await writer.begin()
    t.is(await writer.post(objectOf('snapshots', 'a snapshot')), 200)
    const hasPing = (path: string): boolean => check.received.some((one) => one.path === path)
    while (!hasPing('/desk-127-0-0-1')) await check.until(check.received.length + 1)
    t.true(hasPing('/repo-127-0-0-1/fail'), 'which no webhook that hangs holds up')
    t.is(hook.received.length, 1)
    await gateway.kill()

    await gateway.start()
    await hook.until(3)
    const bodies = hook.received.map(({ body }) => Body.parse(JSON.parse(body)))
    t.deepEqual(
      bodies.map(({ type, data }) => [type, data.repository, data.count]),
      [
        ['maintenance.begun', 'repo', 1],
        ['maintenance.begun', 'repo', 1],
        ['write.fenced', 'repo', 2],
      ],
    )
    const ids = hook.received.map(({ headers }) => headers['webhook-id'])
    t.is(ids[0], ids[1])
    t.not(ids[1], ids[2])
  },
)
