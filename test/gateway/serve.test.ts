/** How a gateway starts, is refused, and ends. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import test from 'ava'
import { Child, type Ended } from '../end-to-end/harness/child.js'
import { freePort, gatewayCommand } from '../end-to-end/harness/service.js'
import { World } from '../end-to-end/harness/world.js'
import { RestWriter } from './rest-writer.js'

const serve = async (world: World, ...args: readonly string[]): Promise<Ended> => {
  const [file, ...rest] = gatewayCommand(['serve', ...args])
  const child = new Child(file, rest, { env: world.environment() })
  // One that serves after all stays until it is ended.
  child.says(/Lockkeeper serves/).then(
    () => child.signal('SIGTERM'),
    () => undefined,
  )
  return child.ended
}

test.serial('a second gateway of a state is refused, and told of the first', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  const listen = ['--listen', `127.0.0.1:${await freePort()}`]
  const second = await serve(world, '--path', world.repositories, ...listen)
  t.is(second.code, 3)
  t.regex(second.stderr, new RegExp(`in use by "lockkeeper serve".*127.0.0.1:${gateway.port}`))
  await gateway.child.says(/ run -- restic backup/)
})

test.serial('who cannot start changes nothing and says what to do', async (t) => {
  const world = await World.open(t)
  const { port } = await world.gateway()
  const free = `127.0.0.1:${await freePort()}`
  await writeFile(world.path('file'), 'a file')
  for (const [path, listen, code, words] of [
    ['new', `127.0.0.1:${port}`, 3, /listens on .* already.*--listen/],
    ['new', '0.0.0.0:0', 2, /--no-auth/],
    ['new', free, 3, /is not there.*--create/],
    ['new/below', free, 3, /is not there/],
    ['file', free, 3, /is a file, not a folder/],
    ['file/below', free, 3, /is a file, not a folder/],
  ] as const) {
    // Asked for or not, nothing is made for a gateway that is refused.
    const create = path === 'new' && code === 3 && listen !== free ? ['--create'] : []
    const place = ['--path', world.path(path), '--listen', listen]
    const ended = await serve(world, ...place, ...create)
    t.is(ended.code, code, ended.stderr)
    t.regex(ended.stderr, words)
    t.is(ended.stderr.trim().split('\n').length, 1)
    t.false(existsSync(world.path('new')))
  }
})

test.serial('a folder is made where it is the default, or is asked for', async (t) => {
  const world = await World.open(t)
  const serving = async (...args: readonly string[]): Promise<void> => {
    const [file, ...rest] = gatewayCommand(['serve', '--listen', '127.0.0.1:0', ...args])
    const gateway = new Child(file, rest, { env: world.environment(), cwd: world.folder })
    await gateway.says(/Lockkeeper serves/)
    gateway.signal('SIGTERM')
    t.is((await gateway.ended).code, 0)
  }
  await serving()
  t.true(existsSync(world.path('data', '.lockkeeper')))
  await serving('--path', 'new', '--state', 'state', '--create')
  t.is((await stat(world.path('new'))).mode & 0o777, 0o700)
  t.is((await stat(world.path('state'))).mode & 0o777, 0o700)
  const below = await serve(world, '--path', world.path('a/b'), '--create')
  t.is(below.code, 3)
  t.regex(below.stderr, /neither is.*mkdir -p/)
})

test.serial('a state folder that is not there is not begun anew', async (t) => {
  const world = await World.open(t)
  const path = ['--path', world.repositories, '--listen', '127.0.0.1:0']
  const ended = await serve(world, ...path, '--state', world.path('sate'))
  t.is(ended.code, 3, ended.stderr)
  t.regex(ended.stderr, /state folder "[^"]*sate" is not there.*--create/)
  t.false(existsSync(world.path('sate')))
})

test.serial('all that is wrong with a start is told at once', async (t) => {
  const world = await World.open(t)
  const { port } = await world.gateway()
  const ended = await serve(
    world,
    ...['--path', world.path('typo'), '--listen', `127.0.0.1:${port}`],
    ...['--htpasswd-file', world.path('nobody')],
  )
  t.is(ended.code, 3)
  const lines = ended.stderr.trim().split('\n')
  t.is(lines.length, 3, ended.stderr)
  for (const words of [/listens on .* already/, /typo" is not there/, /password file/])
    t.true(
      lines.some((line) => words.test(line)),
      ended.stderr,
    )
})

test.serial('a file that cannot be written at the end is refused at the start', async (t) => {
  const world = await World.open(t)
  const path = ['--path', world.repositories, '--listen', '127.0.0.1:0']
  const ended = await serve(world, ...path, '--cpu-profile', world.path('no/where'))
  t.is(ended.code, 3, ended.stderr)
  t.regex(ended.stderr, /--cpu-profile .* cannot be written/)
})

test.serial('who comes from rest-server is told what its flags are here', async (t) => {
  const world = await World.open(t)
  for (const flag of ['-v', '--version']) {
    const { code, stdout } = await serve(world, flag)
    t.is(code, 0)
    t.regex(stdout, /^\d+\.\d+\.\d+\n$/)
  }
})

test.serial('SIGTERM ends within 10 s, whatever a client holds up', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  await new RestWriter(gateway.port, 'repo', 'one').init()
  const socket = connect(gateway.port, '127.0.0.1')
  await once(socket, 'connect')
  const name = 'a'.repeat(64)
  socket.write(
    `POST /repo/data/${name} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nhalf`,
  )
  socket.on('error', () => undefined)
  const began = performance.now()
  const { code } = await gateway.stop()
  t.is(code, 0)
  t.true(performance.now() - began < 10_000)
  t.false(existsSync(join(world.repositories, '.lockkeeper', 'admin.sock')))
  await gateway.start()
  t.is(await new RestWriter(gateway.port, 'repo', 'one').read('config'), 200)
})

test.serial('a folder whose path is longer than that of a socket may be', async (t) => {
  const world = await World.open(t)
  const path = world.path('x'.repeat(120))
  const port = await freePort()
  const [file, ...rest] = gatewayCommand([
    'serve',
    '--path',
    path,
    '--create',
    '--listen',
    `127.0.0.1:${port}`,
  ])
  const gateway = new Child(file, rest, { env: world.environment() })
  await gateway.says(/Lockkeeper serves/)
  t.is((await stat(join(path, '.lockkeeper', 'admin.sock'))).mode & 0o777, 0o600)
  const [program, ...args] = gatewayCommand(['journal', '--follow', '--path', path])
  const following = new Child(program, args, { env: world.environment() })
  await new RestWriter(port, 'repo', 'long').init()
  await following.says(/committed +.* saved config/)
  gateway.signal('SIGTERM')
  t.is((await gateway.ended).code, 0)
  const { code, stderr } = await following.ended
  t.is(code, 3)
  t.regex(stderr, /the gateway has (gone|ended)/)
  t.false(existsSync(join(path, '.lockkeeper', 'admin.sock')))
})

test.serial('a folder without rights is told as such', async (t) => {
  const world = await World.open(t)
  const path = world.path('locked')
  await mkdir(path, { mode: 0o500 })
  // Root may write everywhere, so somebody else is asked.
  const uid = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  await chmod(world.folder, 0o755)
  await chmod(path, 0o555)
  const [file, ...args] = gatewayCommand(['serve', '--path', path, '--listen', '127.0.0.1:0'])
  const { status, stderr } = spawnSync(file, args, {
    ...uid,
    env: world.environment(),
    encoding: 'utf8',
    timeout: 60_000,
  })
  t.is(status, 3, stderr)
  t.regex(stderr, /no rights to read and write/)
  t.deepEqual(await readdir(path), [])
})
