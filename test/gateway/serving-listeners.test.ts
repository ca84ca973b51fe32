/** Several listeners of one gateway, as a process: places, users, certificates, and that no secret is ever said. */
import test, { type ExecutionContext } from 'ava'
import { hash } from 'bcrypt'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { connect as connectTls } from 'node:tls'
import { join } from 'node:path'
import { Child } from '../end-to-end/harness/child.js'
import { projectRoot } from '../end-to-end/harness/clients.js'
import { freePort, gatewayCommand } from '../end-to-end/harness/service.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { World } from '../end-to-end/harness/world.js'

const pem = (name: string): string => join(projectRoot, 'test', 'fixtures', 'tls', name)

const begin = (t: ExecutionContext, world: World, ...args: readonly string[]): Child => {
  const [file, ...rest] = gatewayCommand(['serve', '--path', world.repositories, ...args])
  const child = new Child(file, rest, { env: world.environment() })
  t.teardown(() => child.kill())
  return child
}

const isServing = (child: Child): Promise<unknown> => child.says(/Look at it:/)

interface Asked {
  readonly port?: number
  readonly socketPath?: string
  readonly path?: string
  readonly method?: string
  readonly credentials?: string
}

const statusOf = async ({ credentials, ...asked }: Asked): Promise<number> => {
  const path = '/r/?create=true'
  const auth = credentials === undefined ? {} : { auth: credentials }
  const outgoing = request({
    host: '127.0.0.1',
    agent: false,
    method: 'POST',
    path,
    ...asked,
    ...auth,
  })
  outgoing.end()
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  reply.resume()
  return reply.statusCode ?? 0
}

test.serial('each listener has its own rules, and none says a password', async (t) => {
  const world = await World.open(t)
  const [port, socketPath, users] = [
    await freePort(),
    world.path('s.sock'),
    world.path('users'),
  ]
  const hashed = await hash('tulip-secret', 4)
  await writeFile(users, `alice:${hashed}\n`)
  const file = world.path('lockkeeper.yaml')
  await writeFile(
    file,
    `
log-level: trace
log: ${world.path('access.log')}
listeners:
  - {listen: '127.0.0.1:${port}', htpasswd-file: ${users}, append-only: true}
  - {listen: 'unix:${socketPath}'}
`,
  )
  const gateway = begin(t, world, '--config', file)
  await isServing(gateway)
  t.is(await statusOf({ port }), 401)
  t.is(await statusOf({ port, credentials: 'alice:tulip-wrong' }), 401)
  t.is(await statusOf({ port, credentials: 'alice:tulip-secret' }), 200)
  t.is(await statusOf({ socketPath }), 200)
  const deletion = { method: 'DELETE', path: `/r/snapshots/${'a'.repeat(64)}` }
  t.is(await statusOf({ port, credentials: 'alice:tulip-secret', ...deletion }), 403)
  t.is(await statusOf({ socketPath, ...deletion }), 200)

  await writeFile(users, `alice:${await hash('tulip-new', 4)}\n`)
  gateway.signal('SIGHUP')
  await gateway.says(/settings read again/)
  t.is(await statusOf({ port, credentials: 'alice:tulip-new' }), 200)
  t.is(await statusOf({ port, credentials: 'alice:tulip-secret' }), 401)
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace('append-only: true', 'append-only: false'),
  )
  gateway.signal('SIGHUP')
  await gateway.says(/"needRestart":\["listeners"\]/)
  gateway.signal('SIGTERM')
  t.is((await gateway.ended).code, 0)

  const access = await readFile(world.path('access.log'), 'utf8')
  t.regex(
    access,
    /^127\.0\.0\.1 - alice \[\d\d\/\w{3}\/\d{4}:[\d:]{8} \+0000\] "POST \/r\/\?create=true HTTP\/1\.1" 200 - "-" "-"$/m,
  )
  const check = await world.lockkeeper('config', 'check', '--config', file)
  t.is(check.code, 0, check.stderr)
  t.regex(check.stdout, new RegExp(`127\\.0\\.0\\.1:${port}: users of .*; deletions allowed`))
  for (const [name, said] of Object.entries({
    log: gateway.output,
    access,
    check: check.stdout,
  })) {
    for (const password of ['secret', 'wrong', 'new']) {
      const secret = `alice:tulip-${password}`
      t.false(said.includes(`tulip-${password}`), name)
      t.false(said.includes(Buffer.from(secret).toString('base64')), name)
    }
    t.false(said.includes(hashed), name)
  }
})

test.serial('all listeners begin or none: one that cannot ends the start', async (t) => {
  const world = await World.open(t)
  const port = await freePort()
  const socket = `unix:${world.path('nowhere', 's.sock')}`
  const child = begin(t, world, '--listen', `127.0.0.1:${port},${socket}`)
  const { code, stderr } = await child.ended
  t.is(code, 3)
  t.regex(stderr, /unix:.* cannot be made: its folder is not there/)
  await t.throwsAsync(statusOf({ port }), { code: 'ECONNREFUSED' })
})

test.serial(
  'a certificate or a password file that cannot be used ends the start, in words',
  async (t) => {
    const world = await World.open(t)
    const listen = ['--listen', '127.0.0.1:0']
    for (const [args, words] of [
      [['--htpasswd-file', world.path('none')], /the password file cannot be read: .*ENOENT/],
      [['--tls'], /the certificate cannot be used: .*public_key/],
      [
        ['--tls', '--tls-cert', pem('server.pem'), '--tls-key', pem('other.key')],
        /cannot be used: .*mismatch/,
      ],
    ] as const) {
      const { code, stderr } = await begin(t, world, ...listen, ...args).ended
      t.is(code, 3)
      t.regex(stderr, words)
    }
  },
)

test.serial('a certificate that is replaced is shown to who comes next', async (t) => {
  const world = await World.open(t)
  const [port, folder] = [await freePort(), world.repositories]
  const put = async (name: string): Promise<void> => {
    await copyFile(pem(`${name}.key`), join(folder, 'private_key'))
    await copyFile(pem(`${name}.pem`), join(folder, 'public_key'))
  }
  await put('server')
  const gateway = begin(t, world, '--tls', '--listen', `127.0.0.1:${port}`)
  await isServing(gateway)
  const subject = async (): Promise<unknown> => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: await readFile(pem('ca.pem')) })
    await once(socket, 'secureConnect')
    const name: unknown = socket.getPeerCertificate().subject.CN
    socket.destroy()
    return name
  }
  t.is(await subject(), 'server')
  await put('other')
  gateway.signal('SIGHUP')
  await eventually('the other certificate', async () => (await subject()) === 'other')
  await writeFile(join(folder, 'public_key'), 'no certificate')
  gateway.signal('SIGHUP')
  await gateway.says(/the certificate cannot be read, the last one stays in force/)
  t.is(await subject(), 'other')
})

test.serial('systemd: the sockets that it hands over are listened at', async (t) => {
  const world = await World.open(t)
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  const { port } = address
  const handle = (server as unknown as { _handle: { fd: number } })._handle
  const command = gatewayCommand(['serve', '--path', world.repositories, '--no-auth'])
  const script = 'LISTEN_PID=$$ exec "$@" --listen systemd:rest'
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'inherit', handle.fd],
    env: { ...world.environment(), LISTEN_FDS: '1', LISTEN_FDNAMES: 'rest' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
  await eventually('the gateway to serve', () => said.includes('Look at it:'))
  server.close()
  t.is(await statusOf({ port }), 200)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.deepEqual(await ended, [0, null])
})

test.serial('systemd: without its sockets the start ends in words', async (t) => {
  const world = await World.open(t)
  const { code, stderr } = await begin(t, world, '--listen', 'systemd', '--no-auth').ended
  t.is(code, 3)
  t.regex(stderr, /systemd has handed over no socket/)
})
