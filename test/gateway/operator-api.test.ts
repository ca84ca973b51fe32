/** The operator's API: its document, its answers, who may ask what, and what a hostile request comes to. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import test, { type ExecutionContext } from 'ava'
import bcrypt from 'bcrypt'
import { request } from 'undici'
import { z } from 'zod'
import { problemView } from '../../gateway/operate/api/problem.js'
import { prefix, routes } from '../../gateway/operate/api/routes.js'
import { freePort, type Service } from '../end-to-end/harness/service.js'
import { World } from '../end-to-end/harness/world.js'
import { overtake } from './rest-writer.js'

interface Scene {
  readonly world: World
  readonly gateway: Service
  readonly base: string
  readonly ask: (path: string, options?: Asking) => Promise<Answer>
}

interface Asking {
  readonly method?: string
  readonly token?: string
  readonly user?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: unknown
}

const passwordOf = (user: string): string => `the password of ${user}`

const open = async (t: ExecutionContext): Promise<Scene> => {
  const world = await World.open(t)
  const port = await freePort()
  const users = ['vera', 'olga'].map(
    (user) => `${user}:${bcrypt.hashSync(passwordOf(user), 4)}`,
  )
  await writeFile(world.path('operators'), `${users.join('\n')}\n`)
  const gateway = await world.gateway({
    args: [
      ...['--admin-listen', `127.0.0.1:${port}`, '--admin-operator', 'olga'],
      ...['--admin-htpasswd-file', world.path('operators')],
    ],
  })
  const base = `http://127.0.0.1:${port}`
  const ask = async (path: string, options: Asking = {}): Promise<Answer> => {
    const { method = 'GET', token, user, body, headers = {} } = options
    const basic = user && Buffer.from(`${user}:${passwordOf(user)}`).toString('base64')
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const type = answer.headers.get('content-type') ?? ''
    return {
      status: answer.status,
      type,
      body: type.includes('json') ? JSON.parse(text) : text,
    }
  }
  return { world, gateway, base, ask }
}

const refusalOf = ({ status, type, body }: Answer): string => {
  const { reason, type: name, status: told } = problemView.parse(body)
  if (status !== told || !type.startsWith('application/problem+json')) throw new Error(type)
  if (name !== `urn:lockkeeper:problem:${reason}`) throw new Error(name)
  return `${status} ${reason}`
}

const Items = z.array(z.looseObject({ id: z.string(), object: z.string() }))
const itemsOf = async (scene: Scene): Promise<z.infer<typeof Items>> =>
  Items.parse((await scene.ask(`${prefix}/quarantine`, { user: 'olga' })).body)

/** The id of one that a user of the API has opened. */
const overlayOf = async (scene: Scene): Promise<string> => {
  const items = (await itemsOf(scene)).map(({ id }) => id)
  const asked = { user: 'olga', method: 'POST', body: { items } }
  const { body } = await scene.ask(`${prefix}/overlays`, asked)
  return z.object({ id: z.string() }).parse(body).id
}

test.serial('the document is OpenAPI 3.1, and every answer is as it says', async (t) => {
  const scene = await open(t)
  await overtake(scene.gateway.port, 'alice/laptop')
  const { body: document } = await scene.ask(`${prefix}/openapi.json`)
  const validator = new Validator()
  const verdict = await validator.validate(structuredClone(document) as Record<string, unknown>)
  t.true(verdict.valid, JSON.stringify(verdict))
  t.is(validator.version, '3.1')

  const [item] = await itemsOf(scene)
  const values: Readonly<Record<string, string>> = {
    repository: encodeURIComponent('alice/laptop'),
    item: item?.id ?? '',
    overlay: await overlayOf(scene),
  }
  let asked = 0
  for (const route of routes) {
    if (route.method !== 'GET' || route.kind !== 'json') continue
    const path = route.path.replace(/\{(\w+)\}/g, (_all, name: string) => values[name] ?? '')
    const answer = await scene.ask(`${prefix}${path}`, { user: 'olga' })
    t.is(answer.status, 200, `${path} ${JSON.stringify(answer.body)}`)
    const schema = schemaIn(document, `${prefix}${route.path}`)
    t.deepEqual(faultsBy(schema, answer.body), [], path)
    t.true(faultsBy(schema, 'of another shape').length > 0, path)
    asked += 1
  }
  t.true(asked >= 10)
})

const within = (value: unknown, ...names: readonly string[]): unknown =>
  names.reduce<unknown>((at, name) => z.record(z.string(), z.unknown()).parse(at)[name], value)

const schemaIn = (document: unknown, path: string): z.core.JSONSchema.JSONSchema => {
  const content = within(document, 'paths', path, 'get', 'responses', '200', 'content')
  return within(content, 'application/json', 'schema') as z.core.JSONSchema.JSONSchema
}

const faultsBy = (schema: z.core.JSONSchema.JSONSchema, value: unknown): unknown[] =>
  z.fromJSONSchema(schema).safeParse(value).error?.issues ?? []

test.serial('nobody unknown is answered, a viewer looks, and an operator acts', async (t) => {
  const scene = await open(t)
  await overtake(scene.gateway.port, 'repo')
  const { ask } = scene
  for (const route of routes) {
    const path = `${prefix}${route.path.replace(/\{\w+\}/g, 'x')}`
    const nobody = await ask(path, { method: route.method })
    t.is(refusalOf(nobody), '401 not-signed-in', path)
    if (route.role === 'viewer') continue
    const viewer = await ask(path, { method: route.method, user: 'vera' })
    t.is(refusalOf(viewer), '403 not-an-operator', path)
  }
  t.is((await ask(`${prefix}/repositories`, { user: 'vera' })).status, 200)
  t.is(refusalOf(await ask(`${prefix}/repositories`, { user: 'mallory' })), '401 not-signed-in')
  t.is(refusalOf(await ask(`${prefix}/repositories`, { token: 'lk_x' })), '401 not-signed-in')
  const links = await ask(`${prefix}/links`, { method: 'POST', user: 'olga' })
  t.is(refusalOf(links), '403 not-an-operator')

  const [item] = await itemsOf(scene)
  const discard = { method: 'POST', body: { reason: 'done again', by: 'somebody else' } }
  const headers = { 'lockkeeper-actor': 'somebody%20else' }
  const path = `${prefix}/quarantine/${item?.id ?? ''}/discard`
  const done = await ask(path, { ...discard, headers, user: 'olga' })
  t.like(done.body, { state: 'discarded' })
  const { body } = await ask(`${prefix}/journal?kinds=discarded`, { user: 'vera' })
  t.like(body, { records: { 0: { by: 'olga, by password', reason: 'done again' } } })
  t.is(refusalOf(await ask(path, { ...discard, user: 'olga' })), '409 already-decided')
})

test.serial('a viewer may scrape the figures where operators come in', async (t) => {
  const { gateway, ask } = await open(t)
  await overtake(gateway.port, 'laptop')
  t.is(refusalOf(await ask('/metrics')), '401 not-signed-in')
  const answer = await ask('/metrics', { user: 'vera' })
  t.is(answer.status, 200)
  t.regex(answer.type, /^text\/plain; version=0\.0\.4/)
  const stale =
    'lockkeeper_refused_writes_total{repository="laptop",verb="upload",reason="stale"}'
  const line = String(answer.body)
    .split('\n')
    .find((one) => one.startsWith(stale))
  t.true(Number(line?.split(' ').at(-1)) > 0, line ?? 'no such line')
  const elsewhere = await fetch(`http://127.0.0.1:${gateway.port}/metrics`)
  t.is(elsewhere.status, 404, 'without --prometheus it is only there')
})

test.serial(
  'a token is told once, kept as a hash, and worth nothing once it is revoked',
  async (t) => {
    const { world, gateway, ask } = await open(t)
    const { stdout } = await world.lockkeeper('token', 'add', 'monitor', '--json')
    const { token, id } = z
      .object({ token: z.string(), id: z.string() })
      .parse(JSON.parse(stdout))
    t.is((await ask(`${prefix}/repositories`, { token })).status, 200)
    t.is(refusalOf(await ask(`${prefix}/tokens`, { token })), '403 not-an-operator')
    const file = join(world.repositories, '.lockkeeper', 'tokens.json')
    t.false((await readFile(file, 'utf8')).includes(token))
    t.is((await stat(file)).mode & 0o777, 0o600)
    await gateway.restart()
    t.is((await ask(`${prefix}/repositories`, { token })).status, 200)
    t.regex(
      (await world.lockkeeper('token', 'list')).stdout,
      new RegExp(`${id} +monitor +viewer`),
    )
    t.is((await world.lockkeeper('token', 'revoke', id)).code, 0)
    t.is(refusalOf(await ask(`${prefix}/repositories`, { token })), '401 not-signed-in')
    t.is((await world.lockkeeper('token', 'revoke', id)).code, 1)
  },
)

test.serial('each reason has a type of its own', async (t) => {
  const { gateway, ask } = await open(t)
  await overtake(gateway.port, 'repo')
  const told = async (path: string, options: Asking = {}): Promise<string> =>
    refusalOf(await ask(`${prefix}${path}`, { user: 'olga', ...options }))
  const post = { method: 'POST', body: { reason: 'why not' } }
  t.is(await told('/repositories/other'), '404 unknown-repository')
  t.is(await told('/quarantine/q-000000'), '404 unknown-item')
  t.is(await told('/quarantine/nothing'), '400 malformed-question')
  t.is(await told('/writers/w-00000000/end', { method: 'POST' }), '404 unknown-writer')
  t.is(await told('/journal?cursor=x'), '400 malformed-question')
  t.is(await told('/journal?limit=0'), '400 malformed-question')
  t.is(await told('/journal/events?cursor=x'), '400 malformed-question')
  t.is(await told('/nothing'), '404 unknown-address')
  t.is(
    await told('/repositories/repo/fence', { ...post, body: { reason: ' ' } }),
    '400 malformed-question',
  )
  t.is(await told('/repositories/repo/fence', { ...post, body: {} }), '400 malformed-question')
  const { body } = await ask(`${prefix}/quarantine`, { user: 'olga' })
  const index = Items.parse(body).find(({ object }) => object.startsWith('index/'))?.id ?? ''
  t.is(await told(`/quarantine/${index}/release`, post), '409 not-a-pack')
})

test.serial(
  'a page of another site, and a name that is none of this machine, get nothing',
  async (t) => {
    const { ask, base } = await open(t)
    const path = `${prefix}/repositories`
    // fetch lets nobody choose the host.
    const forged = await request(`${base}${path}`, { headers: { host: 'evil.example' } })
    t.is(forged.statusCode, 403)
    t.like(await forged.body.json(), { reason: 'other-site' })
    const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    t.is(refusalOf(await ask(path, { user: 'olga', headers: site })), '403 other-site')
    const origin = { origin: 'http://evil.example' }
    t.is(refusalOf(await ask(path, { user: 'olga', headers: origin })), '403 other-site')
  },
)

test.serial('the journal is followed, and goes on where a browser was cut off', async (t) => {
  const { gateway, base } = await open(t)
  await overtake(gateway.port, 'one')
  const authorization = `Basic ${Buffer.from(`vera:${passwordOf('vera')}`).toString('base64')}`
  const follow = async (path: string, last: string | undefined, enough: number) => {
    const ending = new AbortController()
    const headers = { authorization, ...(last === undefined ? {} : { 'last-event-id': last }) }
    const { signal } = ending
    const answer = await fetch(`${base}${prefix}/journal/events${path}`, { headers, signal })
    t.is(answer.headers.get('content-type'), 'text/event-stream')
    let text = ''
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    const read = async (): Promise<readonly string[]> => {
      while (text.split('\nevent: record').length <= enough) {
        const piece = await reader?.read()
        if (piece?.value === undefined) break
        text += piece.value
      }
      ending.abort()
      return [...text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id)
    }
    return { read }
  }
  const first = await follow('?kinds=refused', undefined, 2)
  await overtake(gateway.port, 'two')
  const ids = await first.read()
  t.is(ids.length, 2)
  await overtake(gateway.port, 'three')
  const second = await follow('?kinds=refused', ids[0], 3)
  const after = await second.read()
  t.deepEqual([after[0], after.length], [ids[1], 3])
  const positions = await (await follow('?repository=two', '0', 3)).read()
  t.deepEqual(positions.slice(0, 3), ['1', '2', '3'])
})

test.serial(
  'health needs no identity, settings hold no secret, and findings are those of the doctor',
  async (t) => {
    const { world, ask } = await open(t)
    t.deepEqual((await ask('/-/healthz')).body, { status: 'ok' })
    t.deepEqual((await ask('/-/readyz')).body, { status: 'ok' })
    const settings = await ask(`${prefix}/settings`, { user: 'vera' })
    t.like(settings.body, { settings: { path: { value: world.repositories, from: '--path' } } })
    t.false(JSON.stringify(settings.body).includes(passwordOf('vera')))
    const findings = await ask(`${prefix}/findings`, { user: 'vera' })
    t.true(z.array(z.looseObject({ check: z.string() })).parse(findings.body).length > 3)
  },
)

test.serial('a link works once, and no gateway makes none', async (t) => {
  const { world, gateway } = await open(t)
  const { stdout, code } = await world.lockkeeper('ui')
  t.is(code, 0)
  t.regex(stdout, /^http:\/\/127\.0\.0\.1:\d+\/-\/ui\/enter\?link=[\w-]{43}\n$/)
  await gateway.stop()
  const alone = await world.lockkeeper('ui')
  t.is(alone.code, 1)
  t.regex(alone.stderr, /no gateway runs here/)
})
