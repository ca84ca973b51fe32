/** A proxy's own connections carry many clients: a deferral closes none of them but its own. */
import test from 'ava'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { parseTrustedRange, type TrustedRange } from '../../config/trusted-range.js'
import { nameOf, openDoor, type Door } from './door.js'

const loopback = [parseTrustedRange('127.0.0.0/8')] as TrustedRange[]

interface Told {
  readonly status: number | undefined
  readonly isReused: boolean
}

/** One connection of the proxy to the gateway, which stays open. */
const upstream = (door: Door) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (
    line: string,
    method: string,
    path: string,
    body?: string,
  ): Promise<Told> => {
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-connection-id': line }
    const sent = request({ port: door.port, path: `/r/${path}`, method, headers, agent })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    await answer.resume().toArray()
    return { status: answer.statusCode, isReused: sent.reusedSocket }
  }
  return { ask, close: () => agent.destroy() }
}

test('a deferral behind a declared proxy leaves its other connections open', async (t) => {
  const door = await openDoor({ listener: { trusted: loopback } })
  const [one, other] = [upstream(door), upstream(door)]
  t.teardown(async () => {
    one.close()
    other.close()
    await door.close()
  })
  const old = nameOf('data', 'old')
  const begin = async (line: string, ...folders: string[]): Promise<void> => {
    await one.ask(line, 'HEAD', 'config')
    for (const folder of folders) await one.ask(line, 'GET', folder)
  }
  await one.ask('a-1', 'POST', '?create=true')
  await one.ask('a-1', 'POST', 'config', 'a config')
  await begin('a-2', 'index/')
  t.is((await one.ask('a-2', 'POST', old, 'old')).status, 200)
  await begin('p-1', 'index/', 'data/')
  t.is((await one.ask('p-1', 'DELETE', old)).status, 200)
  await begin('b-1', 'index/')
  // The first is overtaken and the last is not; either may send this.
  await other.ask('u-1', 'GET', 'keys/')
  const told = await other.ask('u-1', 'POST', nameOf('index', 'new'), 'new')
  t.is(told.status, 503)
  const next = await one.ask('b-1', 'GET', 'keys/')
  t.deepEqual(next, { status: 200, isReused: true })
})
