/** The harness's own line between client and server: what it sees, holds, loses and cuts. */
import test from 'ava'
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import { Forwarder, type ForwarderOptions } from './harness/forwarder.js'
import { RequestFraming } from './harness/framing.js'
import { eventually } from './harness/wait.js'

interface Echo {
  readonly line: Forwarder
  /** `METHOD path bytes address` of each request that reached the server, once its body was complete. */
  readonly served: readonly string[]
  /** The host that each of them named. */
  readonly hosts: readonly string[]
  /** Closes the client's connection. */
  readonly hangUp: () => void
  readonly send: (method: string, path: string, body?: string) => Promise<IncomingMessage>
}

/** A server that notes what it is asked, behind a forwarder, and a client that keeps one connection. */
const openEcho = async (
  t: { teardown: (end: () => void) => void },
  { isSlow = false, ...options }: ForwarderOptions & { readonly isSlow?: boolean } = {},
): Promise<Echo> => {
  const served: string[] = []
  const hosts: string[] = []
  const server = createServer((incoming, reply) => {
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (isSlow) setTimeout(() => incoming.resume(), 2)
      if (isSlow) incoming.pause()
    })
    incoming.on('end', () => {
      const { method = '', url = '', socket, headers } = incoming
      served.push(`${method} ${url} ${bytes} ${socket.remoteAddress ?? ''}`)
      hosts.push(headers.host ?? '')
      reply.writeHead(403, 'Write fenced', { 'content-length': 4 })
      reply.end(method === 'HEAD' ? undefined : 'body')
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  const line = await Forwarder.open(address, options)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => {
    agent.destroy()
    line.close()
    server.close()
  })
  const send = async (
    method: string,
    path: string,
    body?: string,
  ): Promise<IncomingMessage> => {
    const outgoing = request({ agent, method, path, port: line.port, host: '127.0.0.1' })
    outgoing.end(body)
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    reply.resume()
    await once(reply, 'end')
    return reply
  }
  return { line, served, hosts, send, hangUp: () => agent.destroy() }
}

test('requests of one connection are seen in order, with reason phrases passed on', async (t) => {
  const { line, served, send } = await openEcho(t)
  await send('HEAD', '/r/config')
  const reply = await send('POST', '/r/data/aa', 'x'.repeat(300_000))
  await send('GET', '/r/index/')
  t.is(`${reply.statusCode ?? 0} ${reply.statusMessage ?? ''}`, '403 Write fenced')
  t.is(
    line.describe(),
    [
      '#1 HEAD /r/config -> 403 Write fenced',
      '#1 POST /r/data/aa -> 403 Write fenced',
      '#1 GET /r/index/ -> 403 Write fenced',
    ].join('\n'),
  )
  t.is(served[1], 'POST /r/data/aa 300000 127.0.0.1')
})

test('a held request does not reach the server until it is released', async (t) => {
  const { line, served, send } = await openEcho(t)
  const gate = line.hold('POST index/')
  const sending = send('POST', '/r/index/aa', 'x')
  await gate.reached
  t.deepEqual(served, [])
  gate.release()
  await sending
  t.is(served.length, 1)
})

test('a held reply has been given by the server, but not to the client', async (t) => {
  const { line, served, send } = await openEcho(t)
  const gate = line.hold('POST index/', 'reply')
  let isAnswered = false
  const sending = send('POST', '/r/index/aa', 'x').then(() => (isAnswered = true))
  await gate.reached
  t.is(served.length, 1)
  t.false(isAnswered)
  gate.release()
  t.true(await sending)
})

test('a lost reply resets the client, the next one passes', async (t) => {
  const { line, served, send } = await openEcho(t)
  const lost = line.loseReply('POST index/')
  await t.throwsAsync(send('POST', '/r/index/aa', 'x'))
  t.is((await lost).answer?.status, 403)
  await send('POST', '/r/index/aa', 'x')
  t.is(served.length, 2)
})

for (const how of ['rst', 'fin'] as const)
  test(`after a cut (${how}) the client comes on a new connection, from another address`, async (t) => {
    const { line, served, send } = await openEcho(t)
    await send('GET', '/r/index/')
    line.cut(how)
    line.outgoing = '127.0.0.2'
    await eventually('a new connection', () => send('GET', '/r/index/').catch(() => undefined))
    t.is(line.exchanges.at(-1)?.connection, 2)
    t.is(served.at(-1), 'GET /r/index/ 0 127.0.0.2')
  })

test('a line that often waits for a slow server leaves no listeners behind', async (t) => {
  const { line, served, send } = await openEcho(t, { isSlow: true })
  const warnings: string[] = []
  const note = ({ message }: Error) => warnings.push(message)
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  await send('POST', '/r/data/aa', 'x'.repeat(2 ** 25))
  t.is(line.exchanges.length, 1)
  t.is(served.length, 1)
  t.deepEqual(warnings, [])
})

test('refuses connections for a while, on the same port', async (t) => {
  const { line, send } = await openEcho(t)
  line.refuse()
  await t.throwsAsync(send('GET', '/r/index/'), { code: 'ECONNREFUSED' })
  await line.accept()
  t.is((await send('GET', '/r/index/')).statusCode, 403)
})

test('requests come from the address, and name the host, that the line is given', async (t) => {
  const options = { outgoing: '127.0.0.7', host: 'repositories:8000' }
  const { line, served, hosts, send } = await openEcho(t, options)
  await send('GET', '/r/index/')
  t.deepEqual(served, ['GET /r/index/ 0 127.0.0.7'])
  t.deepEqual(hosts, ['repositories:8000'])
  t.regex(line.exchanges[0]?.head ?? '', new RegExp(`host: 127.0.0.1:${line.port}`, 'i'))
})

const chunked = 'POST /r/data/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
const bodies: Readonly<Record<string, string>> = {
  empty: '0\r\n\r\n',
  'in chunks': 'a;name=value\r\n0123\r\n6789\r\n4\r\nGET \r\n0\r\n\r\n',
  'with trailers': '1\r\nx\r\n0\r\nname: value\r\n\r\n',
}
for (const [kind, body] of Object.entries(bodies)) {
  for (const size of [1, 7, 4096]) {
    test(`a request is seen after a chunked body: ${kind}, ${size} bytes at a time`, (t) => {
      const framing = new RequestFraming()
      const sent = `GET /r/keys/ HTTP/1.1\r\n\r\n${chunked}${body}HEAD /r/config HTTP/1.1\r\n\r\n`
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, at) =>
        framing.push(Buffer.from(sent.slice(at * size, (at + 1) * size))),
      ).flat()
      const asked = pieces.flatMap(({ request }) => (request ? [request.method] : []))
      t.deepEqual(asked, ['GET', 'POST', 'HEAD'])
      t.is(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), sent)
    })
  }
}

test('a connection tells when it ended, and which side hung up', async (t) => {
  const { line, send, hangUp } = await openEcho(t)
  await send('GET', '/r/index/')
  t.is(line.connections[0]?.closed, undefined)
  hangUp()
  await line.deserted()
  t.is(line.connections[0]?.closed?.by, 'client')
})
