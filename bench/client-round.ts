/** Asks what a short run of a client asks, on a connection of its own: it opens, locks, looks, unlocks. */
import { createHash, randomBytes } from 'node:crypto'
import { Client, type Dispatcher } from 'undici'

/** Milliseconds from the first request to the last answer. Throws where one is refused. */
export async function clientRound(origin: string, repository: string): Promise<number> {
  const client = new Client(origin)
  const lock = randomBytes(160)
  const name = `locks/${createHash('sha256').update(lock).digest('hex')}`
  const ask = async (
    method: Dispatcher.HttpMethod,
    path: string,
    body?: Buffer,
  ): Promise<void> => {
    const given = body === undefined ? {} : { body }
    const answer = await client.request({ method, path: `/${repository}/${path}`, ...given })
    await answer.body.dump()
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode}`)
  }
  const began = performance.now()
  try {
    await ask('HEAD', 'config')
    await ask('GET', 'locks/')
    await ask('POST', name, lock)
    await ask('GET', 'index/')
    await ask('DELETE', name)
    return performance.now() - began
  } finally {
    await client.close()
  }
}
