/** What a webhook receives, and what becomes of what does not arrive. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { Webhook } from 'standardwebhooks'
import { notifyEvents, type WebhookSettings } from '../../config/notify-settings.js'
import { openReceiver, type Receiver } from './receiver.js'
import { deleted, ended, refused, Scene, secret } from './scene.js'

const hook = (
  { url }: Pick<Receiver, 'url'>,
  some: Partial<WebhookSettings> = {},
): WebhookSettings => ({ url, secret: { value: secret }, events: notifyEvents, ...some })

const minute = 60_000
const idsOf = ({ received }: Receiver): (string | string[] | undefined)[] =>
  received.map(({ headers }) => headers['webhook-id'])
const typesOf = ({ received }: Receiver): unknown[] =>
  received.map(({ body }) => (JSON.parse(body) as { type: unknown }).type)

test('what is fenced is told at once, as the official library verifies it', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  await scene.start({ webhooks: [hook(receiver)] })
  const position = scene.record('laptop', refused())
  await receiver.until(1)
  const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
  const told = new Webhook(secret).verify(body, headers as Record<string, string>)
  t.like(told, { type: 'write.fenced' })
  const { data, timestamp } = told as { data: Record<string, unknown>; timestamp: string }
  t.like(data, { repository: 'laptop', client: 'ann', position, count: 1 })
  t.regex(String(data.sentence), /the upload of index\/aaaaaaaa by w-00000001 was fenced/)
  t.is(Date.parse(timestamp), scene.clock.now())
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  t.throws(() => new Webhook(other).verify(body, headers as Record<string, string>))
})

test('while a secret is changed, each of both verifies', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  const secrets = [secret, `whsec_${Buffer.alloc(24, 9).toString('base64')}`]
  const file = join(scene.folder, 'secret')
  await writeFile(file, `${secrets.join('\n')}\n`)
  await scene.start({ webhooks: [hook(receiver, { secret: { file } })] })
  scene.record('laptop', refused())
  await receiver.until(1)
  const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
  for (const one of secrets) {
    t.notThrows(() => new Webhook(one).verify(body, headers as Record<string, string>))
  }
})

test('a maintenance is told when it begins and when its run has ended, and each once', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', deleted(2))
  scene.record('laptop', deleted(2))
  scene.record('laptop', ended)
  scene.record('laptop', ended)
  scene.record('laptop', { kind: 'outside', vanished: ['index/a'], appeared: [] })
  scene.record('laptop', { kind: 'outside', vanished: [], appeared: [], generation: 3 })
  scene.record('laptop', refused('ann', 'ambiguous'))
  await receiver.until(4)
  t.deepEqual(typesOf(receiver), [
    ...['maintenance.begun', 'maintenance.ended', 'maintenance.outside', 'write.ambiguous'],
  ])
})

test('only the events that are named are told', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  await scene.start({ webhooks: [hook(receiver, { events: ['maintenance.begun'] })] })
  scene.record('laptop', refused())
  scene.record('laptop', deleted(2))
  await receiver.until(1)
  t.deepEqual(typesOf(receiver), ['maintenance.begun'])
})

test('what is answered 500 twice is sent again under one id, when its schedule says', async (t) => {
  const scene = await Scene.open(t)
  const receiver = await openReceiver(t, (at) => ({ status: at < 2 ? 500 : 200 }))
  await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', refused())
  await receiver.until(1)
  await scene.clock.untilWaiting(5_000, 6_000)
  scene.clock.advance(6_000)
  await receiver.until(2)
  await scene.clock.untilWaiting(5 * minute, 6 * minute)
  scene.clock.advance(6 * minute)
  await receiver.until(3)
  t.is(new Set(idsOf(receiver)).size, 1)
  t.is(new Set(receiver.received.map(({ body }) => body)).size, 1)
  const times = new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp']))
  t.is(times.size, 3)
})

test('Retry-After is heeded where it asks for longer, for all that is sent there', async (t) => {
  const scene = await Scene.open(t)
  const receiver = await openReceiver(t, (at) =>
    at === 0 ? { status: 429, headers: { 'retry-after': '3600' } } : { status: 204 },
  )
  await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', refused('ann'))
  await receiver.until(1)
  await scene.clock.untilWaiting(60 * minute, 60 * minute)
  scene.record('laptop', refused('bob'))
  await scene.clock.untilWaiting(60 * minute, 60 * minute)
  t.is(receiver.received.length, 1)
  scene.clock.advance(60 * minute)
  await receiver.until(3)
  t.is(new Set(idsOf(receiver)).size, 2)
})

test('a target that hangs or redirects slows no other, and no redirect is followed', async (t) => {
  const scene = await Scene.open(t)
  const hanging = await openReceiver(t, () => undefined)
  const other = await openReceiver(t)
  const redirecting = await openReceiver(t, () => ({
    status: 307,
    headers: { location: `${other.url}/stolen` },
  }))
  const fine = await openReceiver(t)
  const webhooks = [hanging, redirecting, fine].map((each) => hook(each))
  const notifier = await scene.start({ webhooks }, { timeoutMs: 300 })
  scene.record('laptop', refused('ann'))
  await Promise.all([hanging.until(1), redirecting.until(1), fine.until(1)])
  scene.record('laptop', refused('bob'))
  await fine.until(2)
  t.is(hanging.received.length, 1, 'one at a time')
  const answers = await notifier.test()
  t.deepEqual(
    answers.map(({ arrived, why }) => [arrived, why]),
    [
      [false, 'it did not answer within 0.3 s'],
      [false, 'it answers 307: redirects are not followed'],
      [true, null],
    ],
  )
  t.is(other.received.length, 0)
})

test('nothing is lost in a restart: what was sent without an answer, and what happened meanwhile', async (t) => {
  const scene = await Scene.open(t)
  const receiver = await openReceiver(t, (at) => (at === 0 ? undefined : { status: 200 }))
  scene.record('laptop', refused('long ago'))
  const first = await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', refused('ann'))
  await receiver.until(1)
  await scene.stop(first)
  scene.record('laptop', refused('bob'))
  scene.record('desk', refused('cleo'))
  const second = await scene.start({ webhooks: [hook(receiver)] })
  await scene.untilLogged('"told"', 3)
  await scene.stop(second)
  const [cut, ...ids] = idsOf(receiver)
  t.is(ids.filter((id) => id === cut).length, 1, 'the same id again')
  const clients = receiver.received.map(
    ({ body }) => (JSON.parse(body) as { data: { client: string } }).data.client,
  )
  t.deepEqual(clients.sort(), ['ann', 'ann', 'bob', 'cleo'])
  await scene.start({ webhooks: [hook(receiver)] })
  scene.record('desk', refused('dora'))
  await receiver.until(5)
  t.is(new Set(idsOf(receiver)).size, 4, 'and nothing is told once more')
})

test('410 ends it, over a restart too, until a test arrives', async (t) => {
  const scene = await Scene.open(t)
  const receiver = await openReceiver(t, (at) => ({ status: at === 0 ? 410 : 200 }))
  const first = await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', refused('ann'))
  await scene.untilLogged('nothing is sent there any more')
  await scene.stop(first)
  const second = await scene.start({ webhooks: [hook(receiver)] })
  scene.record('laptop', refused('bob'))
  t.like(await second.test(), [{ arrived: true }])
  scene.record('laptop', refused('cleo'))
  await receiver.until(3)
  t.deepEqual(typesOf(receiver), ['write.fenced', 'notify.test', 'write.fenced'])
  t.regex(receiver.received[2]?.body ?? '', /cleo/)
})

test('one noisy client is one digest', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  await scene.start({ webhooks: [hook(receiver)], digestMs: 10 * minute })
  scene.record('laptop', refused('ann'))
  await receiver.until(1)
  for (let at = 0; at < 500; at += 1) scene.record('laptop', refused('ann'))
  scene.record('laptop', refused('bob'))
  await receiver.until(2)
  await scene.clock.untilWaiting(10 * minute, 10 * minute)
  scene.clock.advance(10 * minute)
  await receiver.until(3)
  const data = receiver.received.map(
    ({ body }) => (JSON.parse(body) as { data: Record<string, unknown> }).data,
  )
  t.deepEqual(
    data.map(({ client, count }) => [client, count]),
    [
      ['ann', 1],
      ['bob', 1],
      ['ann', 500],
    ],
  )
  t.regex(String(data[2]?.sentence), /^500 times since .*; the last: the upload of /)
})

test('what is so now is told when it begins, once, over a restart too', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  let bytes = 90
  const conditions = {
    places: [],
    quarantine: () => ({ bytes, bytesMax: 100 }),
    clients: async () => [
      {
        ...{ repository: 'laptop', client: 'ann', usuallyMs: null, overdue: false },
        lastSnapshot: new Date(scene.clock.now() - 30 * 60 * minute).toISOString(),
      },
    ],
    damages: async () => [{ repository: 'desk', why: 'its end is cut off' }],
  }
  const settings = { webhooks: [hook(receiver)], overdueMs: 26 * 60 * minute, digestMs: 0 }
  const first = await scene.start(settings, { conditions })
  await scene.clock.untilWaiting(minute, minute)
  scene.clock.advance(minute)
  await scene.untilLogged('"told"', 3)
  await scene.stop(first)
  t.deepEqual(typesOf(receiver), [
    ...['quarantine.nearly_full', 'client.overdue', 'journal.damaged'],
  ])
  t.regex(receiver.received[1]?.body ?? '', /laptop: ann is overdue, its last snapshot is of /)
  t.regex(receiver.received[2]?.body ?? '', /nothing is committed to desk: its end is cut off/)

  await scene.start(settings, { conditions })
  const look = async (next: number): Promise<void> => {
    await scene.clock.untilWaiting(minute, minute)
    bytes = next
    scene.clock.advance(minute)
  }
  await look(90)
  await look(10)
  await look(90)
  await receiver.until(4)
  t.is(typesOf(receiver)[3], 'quarantine.nearly_full')
})

test('names that objects have themselves are names like others', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  const first = await scene.start({ webhooks: [hook(receiver)] })
  for (const name of ['constructor', '__proto__']) {
    scene.record(name, deleted(2))
    scene.record(name, ended)
  }
  await scene.untilLogged('"told"', 4)
  await scene.stop(first)
  await scene.start({ webhooks: [hook(receiver)] })
  scene.record('__proto__', refused())
  await receiver.until(5)
  t.deepEqual(typesOf(receiver).sort(), [
    ...['maintenance.begun', 'maintenance.begun', 'maintenance.ended', 'maintenance.ended'],
    'write.fenced',
  ])
})

test('no secret is in the log, in what is kept, or in what a test answers', async (t) => {
  const [scene, receiver] = [
    await Scene.open(t),
    await openReceiver(t, () => ({ status: 500 })),
  ]
  const webhooks = [hook({ url: `${receiver.url}/services/T0/sesame?key=tulip` })]
  const healthchecks = [
    { url: `${receiver.url}/tulip/laptop`, repository: undefined, client: undefined },
  ]
  const notifier = await scene.start({ webhooks, healthchecks })
  scene.record('laptop', refused())
  await receiver.until(2)
  await scene.clock.untilWaiting(5_000, 6_000)
  const answers = JSON.stringify(await notifier.test())
  await scene.stop(notifier)
  const files = await readdir(join(scene.folder, 'notify'))
  t.is(files.length, 2)
  const kept = await Promise.all(
    files.map((name) => readFile(join(scene.folder, 'notify', name), 'utf8')),
  )
  const said = [scene.log.join(''), answers, ...kept]
  t.true(said.every((each) => each.length > 50))
  for (const word of [secret, secret.slice(6), 'sesame', 'tulip']) {
    t.false(said.join('').includes(word), word)
  }
})
