/** What a listener adds to the door: who may come in, through which proxies, over TLS, HTTP/2 and Unix sockets. */
import test, { type ExecutionContext } from 'ava'
import { hash } from 'bcrypt'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { request, type IncomingMessage } from 'node:http'
import { request as requestTls, type RequestOptions } from 'node:https'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseTrustedRange, type TrustedRange } from '../../config/trusted-range.js'
import { createAuthenticator } from '../../gateway/http/authentication/authenticator.js'
import { PasswordFile } from '../../gateway/http/authentication/password-file.js'
import type { TlsSettings } from '../../gateway/http/node-server.js'
import { nameOf, openDoor, type Door, type DoorOptions } from './door.js'

const pem = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url)))

const loopback = [parseTrustedRange('127.0.0.0/8')] as TrustedRange[]

async function open(t: ExecutionContext, options: DoorOptions): Promise<Door> {
  const door = await openDoor(options)
  t.teardown(() => door.close())
  return door
}

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-listener-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

async function passwordsOf(
  t: ExecutionContext,
  users: readonly string[],
): Promise<PasswordFile> {
  const file = join(await folderOf(t), '.htpasswd')
  const lines = users.map(async (user) => `${user}:${await hash('secret', 4)}`)
  await writeFile(file, (await Promise.all(lines)).join('\n'))
  return PasswordFile.open({ file, monotonic: () => performance.now(), onProblem: t.log })
}

const basic = (user: string, password = 'secret'): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

interface Told {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingMessage['headers']
}

async function ask(
  options: RequestOptions,
  how: typeof request | typeof requestTls = request,
): Promise<Told> {
  const outgoing = how({ host: '127.0.0.1', agent: false, ...options })
  outgoing.end()
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  reply.resume()
  await once(reply, 'end')
  return {
    status: reply.statusCode ?? 0,
    reason: reply.statusMessage ?? '',
    headers: reply.headers,
  }
}

/** Resolves when the line is closed, in whatever way; to be asked for before anything can have closed it. */
function closing(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** The names of the clients and channels that the door's log has, one pair a request. */
function seen(door: Door): { client: unknown; channel: unknown }[] {
  return door.log
    .filter(({ msg }) => msg === 'request')
    .map(({ client, channel }) => ({ client, channel }))
}

test('passwords: nobody gets in without one, and the user stands in the log', async (t) => {
  const passwords = await passwordsOf(t, ['alice'])
  const door = await open(t, { listener: { authenticate: createAuthenticator({ passwords }) } })
  const { port } = door
  const path = '/repo/?create=true'
  for (const headers of [
    {},
    basic('alice', 'wrong'),
    basic('bob'),
    { authorization: 'Basic Og==' },
  ]) {
    const told = await ask({ port, method: 'POST', path, headers })
    t.is(told.status, 401)
    t.is(told.reason, 'Unknown user or wrong password.')
    t.regex(String(told.headers['www-authenticate']), /^Basic realm=/)
  }
  t.is((await ask({ port, method: 'POST', path, headers: basic('alice') })).status, 200)
  t.regex(String(seen(door).at(-1)?.client), /^alice@127\.0\.0\.1$/)
  t.notRegex(JSON.stringify(door.log), /secret|Basic/, 'no credentials in the log')
})

test('private repositories: a user enters the folder of its own name and no other', async (t) => {
  const passwords = await passwordsOf(t, ['alice', 'bob'])
  const authenticate = createAuthenticator({ passwords })
  const { port } = await open(t, { listener: { authenticate, isPrivate: true } })
  const create = (user: string, repository: string): Promise<Told> =>
    ask({ port, method: 'POST', path: `/${repository}/?create=true`, headers: basic(user) })
  t.is((await create('alice', 'alice')).status, 200)
  t.is((await create('alice', 'alice/photos')).status, 200)
  for (const elsewhere of ['bob', 'alic', 'alice2', 'bob/alice', 'Alice'])
    t.is((await create('alice', elsewhere)).status, 403, elsewhere)
  t.is((await ask({ port, path: '/alice/keys/', headers: basic('bob') })).status, 403)
  t.is((await ask({ port, path: '/alice/keys/', headers: basic('alice') })).status, 200)
})

test("a proxy's user header is believed from trusted addresses only", async (t) => {
  const authenticate = createAuthenticator({ userHeader: 'x-remote-user' })
  const trusting = await open(t, { listener: { authenticate, trusted: loopback } })
  const wary = await open(t, { listener: { authenticate } })
  const headers = { 'x-remote-user': 'alice' }
  const method = 'POST'
  const path = '/r/?create=true'
  t.is((await ask({ port: trusting.port, method, path, headers })).status, 200)
  t.is((await ask({ port: trusting.port, method, path })).status, 401)
  t.is((await ask({ port: wary.port, method, path, headers })).status, 401)
})

test('a trusted proxy names the client and its connection: one channel on many lines', async (t) => {
  const door = await open(t, { listener: { trusted: loopback } })
  const { port } = door
  const from = (client: string, connection?: string): Promise<Told> =>
    ask({
      port,
      path: '/r/keys/',
      headers: {
        'x-forwarded-for': client,
        ...(connection === undefined ? {} : { 'x-connection-id': connection }),
      },
    })
  await from('192.0.2.1', '7-1')
  await from('192.0.2.1', '7-1')
  await from('192.0.2.1', '7-2')
  await from('192.0.2.2', '7-1')
  await from('192.0.2.2')
  const [first, again, other, another, unnamed] = seen(door)
  t.is(first?.client, '192.0.2.1')
  t.is(again?.channel, first?.channel)
  t.not(other?.channel, first?.channel)
  t.not(another?.channel, first?.channel)
  t.is(unnamed?.client, '192.0.2.2')
})

test('what an untrusted address says of others is not believed', async (t) => {
  const door = await open(t, {})
  const headers = { 'x-forwarded-for': '192.0.2.1', 'x-connection-id': '1' }
  await ask({ port: door.port, path: '/r/keys/', headers })
  t.is(seen(door).at(-1)?.client, '127.0.0.1')
})

test('PROXY protocol: the header names the client, and nobody gets in without it', async (t) => {
  const door = await open(t, { listener: { trusted: loopback, speaksProxyProtocol: true } })
  const send = async (...pieces: string[]): Promise<string> => {
    const socket = connect(door.port, '127.0.0.1')
    socket.setNoDelay(true)
    let said = ''
    socket.setEncoding('utf8').on('data', (text: string) => (said += text))
    const closed = closing(socket)
    for (const piece of pieces) {
      socket.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await closed
    return said
  }
  const get = 'GET /r/keys/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  t.regex(await send(`PROXY TCP4 192.0.2.9 127.0.0.1 5000 80\r\n${get}`), /^HTTP\/1\.1 403/)
  t.is(seen(door).at(-1)?.client, '192.0.2.9')
  t.regex(await send('PROXY TC', 'P4 192.0.2.8 127.0.0.1 5000 80\r', `\n${get}`), /^HTTP/)
  t.is(seen(door).at(-1)?.client, '192.0.2.8')
  t.is(await send(get), '')
})

test('PROXY protocol: whom the header does not name is no proxy, and nobody', async (t) => {
  const authenticate = createAuthenticator({ userHeader: 'x-remote-user' })
  const listener = { trusted: loopback, speaksProxyProtocol: true, authenticate }
  const door = await open(t, { listener })
  const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
  for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), local]) {
    const socket = connect(door.port, '127.0.0.1')
    socket.write(header)
    socket.write('GET /r/keys/ HTTP/1.1\r\nHost: x\r\nX-Remote-User: alice\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    t.regex(answer.toString(), /^HTTP\/1\.1 401/)
    socket.destroy()
  }
})

test('PROXY protocol: over HTTP/2 the header names the client too', async (t) => {
  const listener = {
    trusted: loopback,
    speaksProxyProtocol: true,
    authenticate: createAuthenticator({ userHeader: 'x-remote-user' }),
    tls: tls('server', { http2: true }),
  }
  const door = await open(t, { listener })
  const beneath = connect(door.port, '127.0.0.1')
  beneath.write('PROXY TCP4 192.0.2.9 127.0.0.1 5000 80\r\n')
  const ca = pem('ca.pem')
  const session = connectHttp2('https://127.0.0.1', {
    createConnection: () => connectTls({ socket: beneath, ca, ALPNProtocols: ['h2'] }),
  })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/r/keys/', 'x-remote-user': 'alice' })
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  t.is(headers[':status'], 401)
  stream.destroy()
})

test('PROXY protocol: only trusted addresses may use it', async (t) => {
  const { port } = await open(t, { listener: { trusted: [], speaksProxyProtocol: true } })
  await closing(connect(port, '127.0.0.1'))
  t.pass('closed at once')
})

const tls = (name: string, more: Partial<TlsSettings> = {}): TlsSettings => ({
  certificate: pem(`${name}.pem`),
  key: pem(`${name}.key`),
  http2: false,
  ...more,
})

test('TLS: requests are answered, and a new certificate is shown to who comes next', async (t) => {
  const door = await open(t, { listener: { tls: tls('server') } })
  const secure = { port: door.port, ca: pem('ca.pem'), path: '/r/keys/' }
  t.is((await ask(secure, requestTls)).status, 403)
  const subject = async (): Promise<unknown> => {
    const socket = connectTls({ port: door.port, host: '127.0.0.1', ca: pem('ca.pem') })
    await once(socket, 'secureConnect')
    const name: unknown = socket.getPeerCertificate().subject.CN
    socket.destroy()
    return name
  }
  t.is(await subject(), 'server')
  door.server.replaceCertificate(tls('other'))
  t.is(await subject(), 'other')
})

test('TLS: versions below the least that is allowed are refused', async (t) => {
  const { port } = await open(t, {
    listener: { tls: tls('server', { versionMin: 'TLSv1.3' }) },
  })
  const secure = { port, ca: pem('ca.pem'), path: '/r/keys/' }
  await t.throwsAsync(ask({ ...secure, maxVersion: 'TLSv1.2' }, requestTls))
  t.is((await ask(secure, requestTls)).status, 403)
})

test('client certificates: only who shows one gets in, as the user that it names', async (t) => {
  const door = await open(t, {
    listener: {
      authenticate: createAuthenticator({ byCertificate: true }),
      isPrivate: true,
      tls: tls('server', { clientCa: pem('ca.pem') }),
    },
  })
  const secure = { port: door.port, ca: pem('ca.pem'), method: 'POST' }
  const shown = { ...secure, cert: pem('alice.pem'), key: pem('alice.key') }
  await t.throwsAsync(ask({ ...secure, path: '/alice/?create=true' }, requestTls))
  t.is((await ask({ ...shown, path: '/alice/?create=true' }, requestTls)).status, 200)
  t.is((await ask({ ...shown, path: '/bob/?create=true' }, requestTls)).status, 403)
})

test('HTTP/2: one session is one channel, and bodies go both ways', async (t) => {
  const door = await open(t, { listener: { tls: tls('server', { http2: true }) } })
  const session = connectHttp2(`https://localhost:${door.port}`, { ca: pem('ca.pem') })
  t.teardown(() => session.destroy())
  const send = async (
    method: string,
    path: string,
    body?: string,
  ): Promise<[number, string]> => {
    const stream = session.request({ ':method': method, ':path': path })
    stream.end(body)
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    let text = ''
    for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
    return [Number(headers[':status']), text]
  }
  const key = nameOf('keys', 'content')
  t.deepEqual(await send('POST', '/r/?create=true'), [200, ''])
  t.deepEqual(await send('POST', `/r/${key}`, 'content'), [200, ''])
  t.deepEqual(await send('GET', `/r/${key}`), [200, 'content'])
  const [status, text] = await send('POST', `/r/${key}`, 'other')
  t.is(status, 400)
  t.regex(text, /SHA-256/, 'the body has the sentence that HTTP/2 has no room for')
  t.is(new Set(seen(door).map(({ channel }) => channel)).size, 1)
})

test('HTTP/2 where it is offered: a client of HTTP/1.1 is served beside', async (t) => {
  const { port } = await open(t, { listener: { tls: tls('server', { http2: true }) } })
  const told = await ask({ port, ca: pem('ca.pem'), path: '/r/keys/' }, requestTls)
  t.is(told.status, 403)
  t.regex(told.reason, /There is no repository here/)
})

test('a Unix socket: only its owner may connect, and a stale one is replaced', async (t) => {
  const path = join(await folderOf(t), 'rest.sock')
  const door = await open(t, { where: { path } })
  t.is(door.listening.address, `unix:${path}`)
  t.is((await stat(path)).mode & 0o777, 0o600)
  t.is((await ask({ socketPath: path, path: '/r/keys/' })).status, 403)
  t.is(seen(door).at(-1)?.client, 'local')
  await t.throwsAsync(openDoor({ where: { path } }), { code: 'EADDRINUSE' })
})

test('IPv6: the address is written as in a URL, and v4-mapped clients by their own', async (t) => {
  const door = await open(t, { where: { host: '::', port: 0 } })
  t.regex(door.listening.address, /^\[::\]:\d+$/)
  await ask({ port: door.port, path: '/r/keys/' })
  t.is(seen(door).at(-1)?.client, '127.0.0.1')
})
