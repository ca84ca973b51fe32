/** Requests one after another, as clients of a rest-server send them, to a real gateway on a real folder. */
import test, { type ExecutionContext } from 'ava'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, request, type Dispatcher } from 'undici'
import { World } from '../end-to-end/harness/world.js'
import { objectOf } from './rest-writer.js'

interface Step {
  readonly ask: `${Dispatcher.HttpMethod} ${string}`
  readonly body?: Buffer
  readonly status: number
  /** What the body of the answer must be. */
  readonly holds?: string
}

const play = async (
  t: ExecutionContext,
  port: number,
  steps: readonly Step[],
): Promise<void> => {
  // One line for all: what follows on it proves that the answer before has arrived.
  const line = new Client(`http://127.0.0.1:${port}`)
  for (const { ask, body, status, holds } of steps) {
    const [method, path] = ask.split(' ') as [Dispatcher.HttpMethod, string]
    const answer = await line.request({ method, path, body: body ?? null })
    const text = await answer.body.text()
    t.is(answer.statusCode, status, ask)
    if (holds !== undefined) t.is(text, holds, ask)
  }
  await line.close()
}

const make = (base: string): Step => ({ ask: `POST ${base}?create=true`, status: 200 })

/** It comes once, whole, and neither changes nor goes. */
const staysAsItIs = (path: string, text: string): Step[] => {
  const there: Step = { ask: `GET ${path}`, status: 200, holds: text }
  const isConfig = path.endsWith('/config')
  const cut = { ask: `POST ${path}`, body: Buffer.from(text.slice(1)), status: 400 } as const
  const other = Buffer.from(`${text} and more`)
  return [
    { ask: `GET ${path}`, status: 404 },
    ...(isConfig ? [] : [cut, { ask: `GET ${path}`, status: 404 } as const]),
    { ask: `POST ${path}`, body: Buffer.from(text), status: 200 },
    there,
    { ask: `POST ${path}`, body: other, status: isConfig ? 403 : 400 },
    there,
    { ask: `DELETE ${path}`, status: 403 },
    there,
  ]
}

/** A deletion after a try that failed may be meant for that try, so only locks come in two tries here. */
const comesAndGoes = (path: string, text: string): Step[] => [
  { ask: `GET ${path}`, status: 404 },
  ...(path.includes('/locks/')
    ? [{ ask: `POST ${path}`, body: Buffer.from(`${text}, broken`), status: 400 } as const]
    : []),
  { ask: `POST ${path}`, body: Buffer.from(text), status: 200 },
  { ask: `GET ${path}`, status: 200, holds: text },
  { ask: `DELETE ${path}`, status: 200 },
  { ask: `GET ${path}`, status: 404 },
  { ask: `DELETE ${path}`, status: 200 },
]

/** The root is a repository, and one of the others lies in another. */
const bases = ['/', '/house/', '/house/room/', '/garden/']

test.serial(
  'append-only: nothing is changed or goes but locks, in nested repositories too',
  async (t) => {
    const world = await World.open(t)
    const { port } = await world.gateway({ args: ['--append-only'] })
    await play(t, port, bases.map(make))
    for (const base of bases) {
      const config = `the config of ${base}`
      await play(t, port, staysAsItIs(`${base}config`, config))
      await play(t, port, [{ ask: `HEAD ${base}config`, status: 200 }])
      for (const type of ['keys', 'data'] as const)
        await play(t, port, staysAsItIs(`${base}${objectOf(type, base).name}`, base))
      await play(t, port, comesAndGoes(`${base}${objectOf('locks', base).name}`, base))
    }
  },
)

test.serial('what nobody else leans on may go, and going twice is no error', async (t) => {
  const world = await World.open(t)
  const { port } = await world.gateway()
  for (const base of bases) {
    const began: Step[] = [
      make(base),
      { ask: `POST ${base}config`, body: Buffer.from('a config'), status: 200 },
      { ask: `HEAD ${base}config`, status: 200 },
      { ask: `GET ${base}index/`, status: 200, holds: '[]' },
    ]
    // A run ends with its lock.
    const rest = (['keys', 'locks'] as const).flatMap((type) =>
      comesAndGoes(`${base}${objectOf(type, base).name}`, base),
    )
    await play(t, port, [...began, ...rest])
  }
})

test.serial(
  'lists of what is empty, and of a folder in which something else lies',
  async (t) => {
    const world = await World.open(t)
    const { port } = await world.gateway()
    const ask = async (accept: string): Promise<string> => {
      const headers = { accept }
      const answer = await request(`http://127.0.0.1:${port}/repo/data/`, { headers })
      t.is(answer.statusCode, 200)
      return answer.body.text()
    }
    const both = ['', 'application/vnd.x.restic.rest.v2']
    await play(t, port, [make('/repo/')])
    for (const accept of both) t.is(await ask(accept), '[]')
    await writeFile(join(world.repositories, 'repo', 'data', 'something'), '')
    for (const accept of both) t.is(await ask(accept), '[]')
    await play(t, port, [{ ask: 'GET /elsewhere/config', status: 404 }])
  },
)
