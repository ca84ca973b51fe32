/** Knows the loads of restic's REST protocol, one kind of request each, as restic would send them. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'undici'
import { countSyncs } from './durability.js'
import type { Workload } from './measure.js'
import type { Server } from './servers.js'

const MIB = 2 ** 20

interface Body {
  readonly name: string
  readonly bytes: Buffer
}

function newBody(size: number): Body {
  const bytes = randomBytes(size)
  return { name: createHash('sha256').update(bytes).digest('hex'), bytes }
}

/**
 * One process of restic: its connections, the opening and the lock that tell the server that it is there, and the end of
 * the lock that tells that it has gone. Without these a gateway would rightly hold each run's requests for any other's.
 */
async function withClient<T>(
  server: Server,
  repository: string,
  connections: number,
  act: (client: Client) => Promise<T>,
): Promise<T> {
  const pool = new Pool(server.origin, { connections, pipelining: 1 })
  const client = new Client(pool, repository)
  try {
    await makeRepository(server, repository)
    await client.expect('HEAD', '/config')
    const lock = newBody(155)
    await client.expect('POST', `/locks/${lock.name}`, { body: lock.bytes })
    await client.expect('GET', '/locks/')
    await client.expect('GET', '/index/')
    await client.expect('GET', '/data/')
    const result = await act(client)
    await client.expect('DELETE', `/locks/${lock.name}`)
    return result
  } finally {
    await pool.close()
  }
}

class Client {
  readonly #pool: Pool
  readonly #repository: string

  constructor(pool: Pool, repository: string) {
    this.#pool = pool
    this.#repository = repository
  }

  async expect(
    method: 'HEAD' | 'GET' | 'POST' | 'DELETE',
    path: string,
    options: { body?: Buffer; range?: string } = {},
  ): Promise<number> {
    const headers = {
      accept: 'application/vnd.x.restic.rest.v2',
      ...(options.range === undefined ? {} : { range: options.range }),
    }
    const body = options.body ?? null
    const { statusCode, body: answer } = await this.#pool.request({
      method,
      path: `/${this.#repository}${path}`,
      headers,
      body,
    })
    let bytes = 0
    for await (const chunk of answer) bytes += (chunk as Buffer).length
    if (statusCode !== 200 && statusCode !== 206)
      throw new Error(`${method} ${path}: ${statusCode}`)
    return bytes
  }
}

/** Does every task, so many at a time. */
async function eachOf<T>(
  tasks: readonly T[],
  atOnce: number,
  act: (task: T, at: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (;;) {
      const at = next
      next += 1
      const task = tasks[at]
      if (task === undefined) return
      await act(task, at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return (performance.now() - begun) / 1000
}

/**
 * A repository that nothing of is understood: an opaque server needs no more. Each row has its own, so that a writer of
 * one that has not ended for sure is no candidate in another.
 */
async function makeRepository(server: Server, repository: string): Promise<void> {
  const url = `${server.origin}/${repository}/?create=true`
  const response = await fetch(url, { method: 'POST' })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${server.name} makes no repository: ${response.status}`)
  await writeFile(join(server.folder, repository, 'config'), 'bench')
}

/** Past the server. */
export async function writePacks(
  server: Server,
  repository: string,
  names: readonly string[],
  bytes: Buffer,
): Promise<void> {
  const data = join(server.folder, repository, 'data')
  await eachOf(names, 16, async (name) => {
    const folder = join(data, name.slice(0, 2))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), bytes)
  })
}

async function removePacks(server: Server, repository: string): Promise<void> {
  const data = join(server.folder, repository, 'data')
  for (const folder of await readdir(data)) {
    for (const name of await readdir(join(data, folder))) await rm(join(data, folder, name))
  }
}

export function namesOf(count: number, label: string): string[] {
  return Array.from({ length: count }, (_, at) =>
    createHash('sha256').update(`${label} ${at}`).digest('hex'),
  )
}

export function httpWorkloads(scale: number): Workload<Server>[] {
  const count = (full: number): number => Math.max(1, Math.round(full * scale))
  return [
    uploads(count(20)),
    downloads(count(20)),
    rangeReads(count(4_000)),
    locks(count(800)),
    lists(count(50_000)),
    deletions(count(50_000)),
  ]
}

function uploads(packs: number): Workload<Server> {
  const repository = 'bench-upload'
  return {
    name: 'upload',
    title: `upload ${packs} packs of 16 MiB, 5 connections`,
    run: async (server) => {
      const bodies = Array.from({ length: packs }, () => newBody(16 * MIB))
      const seconds = await withClient(server, repository, 5, (client) =>
        timed(() =>
          eachOf(bodies, 5, ({ name, bytes }) =>
            client.expect('POST', `/data/${name}`, { body: bytes }),
          ),
        ),
      )
      await removePacks(server, repository)
      return seconds
    },
  }
}

function downloads(packs: number): Workload<Server> {
  const repository = 'bench-download'
  const names = namesOf(packs, 'download')
  return {
    name: 'download',
    title: `download ${packs} packs of 16 MiB, 5 connections`,
    run: async (server) => {
      await writePacks(server, repository, names, randomBytes(16 * MIB))
      const seconds = await withClient(server, repository, 5, (client) =>
        timed(() => eachOf(names, 5, (name) => client.expect('GET', `/data/${name}`))),
      )
      await removePacks(server, repository)
      return seconds
    },
  }
}

function rangeReads(reads: number): Workload<Server> {
  const repository = 'bench-ranges'
  const names = namesOf(8, 'ranges')
  const blocks = 4096
  return {
    name: 'ranges',
    title: `${reads} reads of 4 KiB, 5 connections`,
    run: async (server) => {
      await writePacks(server, repository, names, randomBytes(16 * MIB))
      const tasks = Array.from({ length: reads }, (_, at) => at)
      const seconds = await withClient(server, repository, 5, (client) =>
        timed(() =>
          eachOf(tasks, 5, (at) => {
            const start = ((at * 2_654_435_761) % blocks) * 4096
            const range = `bytes=${start}-${start + 4095}`
            return client.expect('GET', `/data/${names[at % 8] ?? ''}`, { range })
          }),
        ),
      )
      await removePacks(server, repository)
      return seconds
    },
  }
}

function locks(pairs: number): Workload<Server> {
  const repository = 'bench-locks'
  return {
    name: 'locks',
    title: `${pairs} locks posted and deleted, 8 connections`,
    run: async (server) => {
      const bodies = Array.from({ length: pairs }, () => newBody(155))
      return withClient(server, repository, 8, (client) =>
        timed(() =>
          eachOf(bodies, 8, async ({ name, bytes }) => {
            await client.expect('POST', `/locks/${name}`, { body: bytes })
            await client.expect('DELETE', `/locks/${name}`)
          }),
        ),
      )
    },
  }
}

function lists(packs: number): Workload<Server> {
  const repository = 'bench-list'
  const names = namesOf(packs, 'list')
  return {
    name: 'list',
    title: `list ${packs} packs`,
    run: async (server) => {
      await writePacks(server, repository, names, Buffer.from('x'))
      return withClient(server, repository, 1, (client) =>
        timed(() => client.expect('GET', '/data/')),
      ).finally(() => removePacks(server, repository))
    },
  }
}

function deletions(packs: number): Workload<Server> {
  const repository = 'bench-prune'
  const names = namesOf(packs, 'prune')
  return {
    name: 'prune',
    title: `delete ${packs} small packs, 5 connections`,
    run: async (server) => {
      await writePacks(server, repository, names, Buffer.from('x'))
      return withClient(server, repository, 5, (client) =>
        timed(() => eachOf(names, 5, (name) => client.expect('DELETE', `/data/${name}`))),
      )
    },
  }
}

const countedCommits = 100

/** Calls per object of a type that is posted, one after another. Undefined without strace. */
export async function syncsPerCommit(
  server: Server,
  type: 'locks' | 'data',
  folder: string,
): Promise<number | undefined> {
  const repository = `syncs-${type}`
  const bodies = Array.from({ length: countedCommits }, () => newBody(155))
  const count = await withClient(server, repository, 1, async (client) => {
    const counted = await countSyncs(server.pid, folder, () =>
      eachOf(bodies, 1, ({ name, bytes }) =>
        client.expect('POST', `/${type}/${name}`, { body: bytes }),
      ),
    )
    await eachOf(bodies, 1, ({ name }) => client.expect('DELETE', `/${type}/${name}`))
    return counted
  })
  return count === undefined ? undefined : count / countedCommits
}
