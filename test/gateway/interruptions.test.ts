/** What is left, and what is said, where a command or its gateway is ended in the middle. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { exportItem } from '../../gateway/cli/export.js'
import { AdminError } from '../../gateway/operate/admin/admin.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { connectApi, type ApiClient } from '../../gateway/operate/api/client.js'

interface Scene {
  readonly folder: string
  readonly admin: ApiClient
  /** The next question that reaches the gateway, to be answered by the test, or not at all. */
  readonly asked: () => Promise<ServerResponse>
}

const open = async (t: ExecutionContext): Promise<Scene> => {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-interruptions-'))
  const server = createServer()
  const file = join(folder, 'admin.sock')
  await once(server.listen({ path: file }), 'listening')
  const admin = connectApi(file)
  t.teardown(async () => {
    await admin.close()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true })
  })
  const asked = async (): Promise<ServerResponse> => {
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
    return response
  }
  return { folder, admin, asked }
}

const gone = { instanceOf: AdminError, message: /the gateway has gone/ }

const firstOf = async <T>(all: AsyncIterable<T>): Promise<T | undefined> => {
  for await (const one of all) return one
  return undefined
}

test('a journal that is followed ends in peace before anything was recorded', async (t) => {
  const { admin, asked } = await open(t)
  const ending = new AbortController()
  const first = firstOf(admin.journal({ isFollowed: true }, ending.signal))
  await asked()
  ending.abort()
  t.is(await first, undefined)
})

for (const [name, ask] of [
  [
    'a journal',
    (admin: ApiClient) =>
      firstOf(admin.journal({ isFollowed: false }, new AbortController().signal)),
  ],
  ['the bytes of an item', (admin: ApiClient) => admin.bytes('q-000000')],
  ['a status', (admin: ApiClient) => admin.status()],
] as const) {
  test(`${name}: a gateway that goes before it answers is told as such`, async (t) => {
    const { admin, asked } = await open(t)
    const answer = ask(admin)
    asked().then(
      (response) => response.destroy(),
      () => undefined,
    )
    await t.throwsAsync(async () => answer, gone)
  })
}

test('bytes that break off on their way are told as such, and none are left', async (t) => {
  const { folder, admin, asked } = await open(t)
  const answer = admin.bytes('q-000000')
  const response = await asked()
  response.write('half')
  const bytes = await answer
  response.destroy()
  const file = join(folder, 'item')
  await t.throwsAsync(exportItem(bytes, file, new AbortController().signal), {
    message: /cannot be written: the gateway has gone/,
  })
  t.false(existsSync(file))
})

test('of an item whose export is interrupted nothing is left', async (t) => {
  const { folder } = await open(t)
  const file = join(folder, 'item')
  const ending = new AbortController()
  const bytes = new Readable({ read: () => undefined })
  bytes.push('half')
  const exporting = exportItem(bytes, file, ending.signal)
  await eventually('the file', () => existsSync(file))
  ending.abort()
  await t.throwsAsync(exporting, { message: /interrupted/ })
  t.false(existsSync(file))
  t.true(bytes.destroyed)
})
