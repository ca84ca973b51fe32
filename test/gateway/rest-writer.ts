/** Knows the requests of a client of the REST protocol, one by one, under a tag of its own. */
import { createHash } from 'node:crypto'
import { request, type Dispatcher } from 'undici'

export interface RawObject {
  readonly name: string
  readonly bytes: Buffer
}

/** An object whose name is the hash of its content. */
export const objectOf = (type: string, text: string): RawObject => {
  const bytes = Buffer.from(text)
  return { name: `${type}/${createHash('sha256').update(bytes).digest('hex')}`, bytes }
}

export class RestWriter {
  readonly #base: string

  constructor(port: number, repository: string, tag: string) {
    this.#base = `http://127.0.0.1:${port}/-/w/${tag}/${repository}`
  }

  async init(): Promise<void> {
    await this.#ask('POST', '?create=true')
    await this.#ask('POST', 'config', Buffer.from('a config'))
  }

  /** Begins as restic does, and looks at the repository. */
  async begin(): Promise<void> {
    await this.#ask('HEAD', 'config')
    await this.#ask('GET', 'index/')
    await this.#ask('GET', 'data/')
  }

  async post({ name, bytes }: RawObject): Promise<number> {
    return this.#ask('POST', name, bytes)
  }

  async delete({ name }: RawObject): Promise<number> {
    return this.#ask('DELETE', name)
  }

  async read(name: string): Promise<number> {
    return this.#ask('GET', name)
  }

  async #ask(method: Dispatcher.HttpMethod, path: string, body?: Buffer): Promise<number> {
    // A connection of its own for each request: the tag says whose it is.
    const options = { method, body: body ?? null, reset: true }
    const answer = await request(`${this.#base}/${path}`, options)
    await answer.body.dump()
    return answer.statusCode
  }
}

export interface Late {
  readonly pack: RawObject
  readonly index: RawObject
}

/** A writer that a prune overtakes; answers what it writes too late. */
export const overtake = async (port: number, repository: string): Promise<Late> => {
  const late = { pack: objectOf('data', 'late pack'), index: objectOf('index', 'late index') }
  const maintainer = new RestWriter(port, repository, 'maintainer')
  const sleeper = new RestWriter(port, repository, 'sleeper')
  const old = objectOf('data', 'old pack')
  await sleeper.init()
  await sleeper.begin()
  await sleeper.post(old)
  await maintainer.begin()
  await maintainer.delete(old)
  for (const object of [late.pack, late.index]) {
    const status = await sleeper.post(object)
    if (status !== 403) throw new Error(`a late write was answered with ${status}`)
  }
  return late
}
