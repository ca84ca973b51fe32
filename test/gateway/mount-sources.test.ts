/** What a mount is refused for before anything is mounted: its gateway, its repository, its folder. */
import { createServer } from 'node:http'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { Child, type Ended } from '../end-to-end/harness/child.js'
import { freePort, gatewayCommand } from '../end-to-end/harness/service.js'
import { MountFolder } from '../end-to-end/harness/test-mount.js'
import { World } from '../end-to-end/harness/world.js'
import { RestWriter } from './rest-writer.js'

const mount = async (t: ExecutionContext, world: World, source: string): Promise<Ended> => {
  const folder = await MountFolder.make()
  t.teardown(() => folder.remove())
  const [file, ...args] = gatewayCommand(['mount', source, folder.path])
  const child = new Child(file, args, { env: world.environment(), cwd: world.folder })
  // One that is mounted after all stays until it is ended.
  const isUp = child.says(/^Mounted on /m).then(
    () => child.signal('SIGTERM'),
    () => undefined,
  )
  const ended = await child.ended
  await isUp
  t.is(ended.stdout, '', source)
  t.is(ended.code, 3, ended.stderr)
  t.is(ended.stderr.trim().split('\n').length, 1, ended.stderr)
  t.false(folder.isMounted)
  return ended
}

test.serial('of an address where nothing answers there is no mount', async (t) => {
  const world = await World.open(t)
  const at = `http://127.0.0.1:${await freePort()}`
  const { stderr } = await mount(t, world, `${at}/`)
  t.true(stderr.includes(`no gateway answers at ${at}`), stderr)
  t.regex(stderr, /ECONNREFUSED/)
})

test.serial('of a repository that is not there there is no mount', async (t) => {
  const world = await World.open(t)
  const { port } = await world.gateway()
  await new RestWriter(port, 'team/laptop', 'one').init()
  const { stderr } = await mount(t, world, `http://127.0.0.1:${port}/team/lapptop`)
  t.regex(stderr, /no repository "team\/lapptop".*there are: team\/laptop/)
  const below = await mount(t, world, `http://127.0.0.1:${port}/team/laptop/below`)
  t.regex(below.stderr, /no repository "team\/laptop\/below"/)
})

test.serial('a gateway that lets nobody in without a password says so', async (t) => {
  const world = await World.open(t)
  const passwords = world.path('passwords')
  await writeFile(passwords, 'anna:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n')
  const { port } = await world.gateway({ args: ['--htpasswd-file', passwords] })
  const { stderr } = await mount(t, world, `http://127.0.0.1:${port}/`)
  t.regex(stderr, /asks for a user and a password.*USER:PASSWORD@127\.0\.0\.1/)
  const wrong = await mount(t, world, `http://anna:secret@127.0.0.1:${port}/`)
  t.regex(wrong.stderr, /user and a password/)
  t.false(wrong.stderr.includes('secret'))
})

test.serial('of what is no gateway there is no mount', async (t) => {
  const world = await World.open(t)
  const server = createServer((_request, response) => response.writeHead(404).end('not here'))
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { stderr } = await mount(t, world, `http://127.0.0.1:${port ?? 0}/`)
  t.regex(stderr, /no Lockkeeper gateway.*404/)
})

test.serial('a folder that is not there is not made for a mount', async (t) => {
  const world = await World.open(t)
  const { stderr } = await mount(t, world, 'nonsense')
  t.regex(stderr, /"[^"]*nonsense" is not there/)
  t.false(existsSync(world.path('nonsense')))
})
