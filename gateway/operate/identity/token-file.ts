/** Keeps the tokens that programs sign in with: in the state, as hashes, so that the file gives nobody in. */
import { createHash, randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../program/fault.js'
import { AdminError, type TokenAct } from '../admin/admin.js'
import { tokenView, type MadeTokenView, type TokenView } from '../admin/views.js'

const entry = tokenView.extend({ sha256: z.string().regex(/^[0-9a-f]{64}$/) })
const contents = z.object({ tokens: z.array(entry) })
type Entry = z.infer<typeof entry>

const tokensMax = 1_000
const prefix = 'lk_'

export class TokenFile {
  readonly #file: string
  readonly #now: () => number
  /** By hash; undefined until the file was read. */
  #entries: Promise<Map<string, Entry>> | undefined
  /** One change after another. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(file: string, now: () => number) {
    this.#file = file
    this.#now = now
  }

  async list(): Promise<TokenView[]> {
    return [...(await this.#read()).values()].map(viewOf)
  }

  /** The token that was given, or undefined where there is none. */
  async find(token: string): Promise<TokenView | undefined> {
    if (!token.startsWith(prefix)) return undefined
    const found = (await this.#read()).get(hashOf(token))
    return found && viewOf(found)
  }

  /** What it answers is the only place where the token itself is told. */
  async add({ name, role, by: madeBy }: TokenAct): Promise<MadeTokenView> {
    return this.#change(async (entries) => {
      if (entries.size >= tokensMax) {
        throw new AdminError('too-many', `there are ${tokensMax} tokens; revoke some first`)
      }
      const token = `${prefix}${randomBytes(32).toString('base64url')}`
      const id = `t-${randomBytes(4).toString('hex')}`
      const made = new Date(this.#now()).toISOString()
      const sha256 = hashOf(token)
      entries.set(sha256, { id, name, role, made, madeBy, sha256 })
      return { id, name, role, made, madeBy, token }
    })
  }

  async revoke(id: string): Promise<TokenView> {
    return this.#change(async (entries) => {
      const found = [...entries.values()].find((one) => one.id === id)
      if (found === undefined) {
        throw new AdminError(
          'unknown-token',
          `there is no token ${id}; "lockkeeper token list" lists them`,
        )
      }
      entries.delete(found.sha256)
      return viewOf(found)
    })
  }

  /** The file first: a token that is told to be revoked is revoked after a crash too. */
  #change<T>(change: (entries: Map<string, Entry>) => Promise<T>): Promise<T> {
    const changed = this.#changing
      .catch(() => undefined)
      .then(async () => {
        const next = new Map(await this.#read())
        const answer = await change(next)
        await this.#write(next)
        this.#entries = Promise.resolve(next)
        return answer
      })
    this.#changing = changed
    return changed
  }

  #read(): Promise<Map<string, Entry>> {
    this.#entries ??= this.#readFile().catch((error: unknown) => {
      this.#entries = undefined
      throw error
    })
    return this.#entries
  }

  async #readFile(): Promise<Map<string, Entry>> {
    let text: string
    try {
      text = await readFile(this.#file, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return new Map()
      throw error
    }
    const read = contents.safeParse(jsonOf(text))
    if (read.success) return new Map(read.data.tokens.map((one) => [one.sha256, one]))
    const message = `the file of tokens "${this.#file}" is damaged; remove it, and make the tokens anew`
    throw new AdminError('unavailable', message)
  }

  async #write(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const unfinished = `${this.#file}.new`
    const file = await open(unfinished, 'w', 0o600)
    try {
      await file.writeFile(
        `${JSON.stringify({ tokens: [...entries.values()] }, undefined, 2)}\n`,
      )
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, this.#file)
    const folder = await open(dirname(this.#file), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }
}

function viewOf({ id, name, role, made, madeBy }: Entry): TokenView {
  return { id, name, role, made, madeBy }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
