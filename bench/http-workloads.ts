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

/** One process of restic: its connections, and the opening that tells the server that it is there. */
async function withClient<T>(
  server: Server,
  connections: number,
  act: (client: Client) => Promise<T>,
): Promise<T> {
  const pool = new Pool(server.origin, { connections, pipelining: 1 })
  const client = new Client(pool)
  try {
    await client.expect('HEAD', '/bench/config')
    await client.expect('GET', '/bench/index/')
    await client.expect('GET', '/bench/data/')
    return await act(client)
  } finally {
    await pool.close()
  }
}

class Client {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
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
      path,
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

/** A repository that nothing of is understood: an opaque server needs no more. */
export async function makeRepository(server: Server): Promise<void> {
  const response = await fetch(`${server.origin}/bench/?create=true`, { method: 'POST' })
  if (!response.ok) throw new Error(`${server.name} makes no repository: ${response.status}`)
  await writeFile(join(server.folder, 'bench', 'config'), 'bench')
}

function dataFolder(server: Server, name: string): string {
  return join(server.folder, 'bench', 'data', name.slice(0, 2))
}

async function writePacks(
  server: Server,
  names: readonly string[],
  bytes: Buffer,
): Promise<void> {
  await eachOf(names, 16, async (name) => {
    await mkdir(dataFolder(server, name), { recursive: true })
    await writeFile(join(dataFolder(server, name), name), bytes)
  })
}

async function removePacks(server: Server): Promise<void> {
  const data = join(server.folder, 'bench', 'data')
  for (const folder of await readdir(data)) {
    for (const name of await readdir(join(data, folder))) await rm(join(data, folder, name))
  }
}

function namesOf(count: number, label: string): string[] {
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
  return {
    title: `upload ${packs} packs of 16 MiB, 5 connections`,
    run: async (server) => {
      const bodies = Array.from({ length: packs }, () => newBody(16 * MIB))
      const seconds = await withClient(server, 5, (client) =>
        timed(() =>
          eachOf(bodies, 5, ({ name, bytes }) =>
            client.expect('POST', `/bench/data/${name}`, { body: bytes }),
          ),
        ),
      )
      await removePacks(server)
      return seconds
    },
  }
}

function downloads(packs: number): Workload<Server> {
  const names = namesOf(packs, 'download')
  return {
    title: `download ${packs} packs of 16 MiB, 5 connections`,
    run: async (server) => {
      await writePacks(server, names, randomBytes(16 * MIB))
      const seconds = await withClient(server, 5, (client) =>
        timed(() => eachOf(names, 5, (name) => client.expect('GET', `/bench/data/${name}`))),
      )
      await removePacks(server)
      return seconds
    },
  }
}

function rangeReads(reads: number): Workload<Server> {
  const names = namesOf(8, 'ranges')
  const blocks = 4096
  return {
    title: `${reads} reads of 4 KiB, 5 connections`,
    run: async (server) => {
      await writePacks(server, names, randomBytes(16 * MIB))
      const tasks = Array.from({ length: reads }, (_, at) => at)
      const seconds = await withClient(server, 5, (client) =>
        timed(() =>
          eachOf(tasks, 5, (at) => {
            const start = ((at * 2_654_435_761) % blocks) * 4096
            const range = `bytes=${start}-${start + 4095}`
            return client.expect('GET', `/bench/data/${names[at % 8] ?? ''}`, { range })
          }),
        ),
      )
      await removePacks(server)
      return seconds
    },
  }
}

function locks(pairs: number): Workload<Server> {
  return {
    title: `${pairs} locks posted and deleted, 8 connections`,
    run: async (server) => {
      const bodies = Array.from({ length: pairs }, () => newBody(155))
      return withClient(server, 8, (client) =>
        timed(() =>
          eachOf(bodies, 8, async ({ name, bytes }) => {
            await client.expect('POST', `/bench/locks/${name}`, { body: bytes })
            await client.expect('DELETE', `/bench/locks/${name}`)
          }),
        ),
      )
    },
  }
}

function lists(packs: number): Workload<Server> {
  const names = namesOf(packs, 'list')
  return {
    title: `list ${packs} packs`,
    run: async (server) => {
      await writePacks(server, names, Buffer.from('x'))
      return withClient(server, 1, (client) =>
        timed(() => client.expect('GET', '/bench/data/')),
      ).finally(() => removePacks(server))
    },
  }
}

function deletions(packs: number): Workload<Server> {
  const names = namesOf(packs, 'prune')
  return {
    title: `delete ${packs} small packs, 5 connections`,
    run: async (server) => {
      await writePacks(server, names, Buffer.from('x'))
      return withClient(server, 5, (client) =>
        timed(() => eachOf(names, 5, (name) => client.expect('DELETE', `/bench/data/${name}`))),
      )
    },
  }
}

const countedCommits = 100

/** Sync calls per lock that is posted, one after another. Undefined without strace. */
export async function syncsPerCommit(
  server: Server,
  folder: string,
): Promise<number | undefined> {
  const bodies = Array.from({ length: countedCommits }, () => newBody(155))
  const count = await withClient(server, 1, (client) =>
    countSyncs(server.pid, folder, () =>
      eachOf(bodies, 1, ({ name, bytes }) =>
        client.expect('POST', `/bench/locks/${name}`, { body: bytes }),
      ),
    ),
  )
  return count === undefined ? undefined : count / countedCommits
}
