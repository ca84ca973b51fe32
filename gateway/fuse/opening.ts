/** Knows one writer: a process's use of one repository from its first look at `config` until it lets go of its locks. */
import {
  typeOf,
  type ListedType,
  type ObjectName,
  type RepositoryId,
} from '../../fencing/object.js'
import type { FilePlace } from '../../fencing/ports.js'
import { parseFilePlace, placeHeader, placeNone, placeWanted } from '../program/file-place.js'
import { BodyStream } from './body-stream.js'
import { CallError, errnoOfAnswer } from './errno.js'
import { listPath, objectPath, repositoryPath, type GatewayAddress } from './gateway-address.js'
import { ObjectReader } from './object-reader.js'
import { OwnBody } from './own-body.js'
import { OwnFile } from './own-file.js'
import { Lines, type GatewayAnswer, type Line, type Question } from './lines.js'

export interface OpeningOptions {
  readonly address: GatewayAddress
  readonly repository: RepositoryId
  /** Undefined where the system does not tell who calls. */
  readonly tag: string | undefined
  /** What was refused, in words, which the kernel has no way to hand on. */
  readonly onRefused: (sentence: string, object: string) => void
}

export interface Entry {
  readonly id: string
  /** Bytes. */
  readonly size: number
}

/** An object that is open. */
export interface ObjectBytes {
  /** Fewer bytes than asked for are the end of it. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>
  readonly close: () => void
}

/** Bytes that go out while they are written. */
export interface Upload {
  readonly body: {
    /** Copies the bytes at once. Where it answers a promise, more is to be sent only after that. */
    readonly send: (bytes: Buffer) => Promise<void> | undefined
    /** Resolves when all that was sent has been handed on. */
    readonly drained: () => Promise<void>
    readonly end: () => void | Promise<void>
    /** Breaks it off, if it is not over. */
    readonly fail: (error: Error) => void
  }
  /** Rejects with what it was refused with. */
  readonly committed: Promise<void>
}

const wanted = { headers: { [placeHeader]: placeWanted } } as const
const listType = 'application/vnd.x.restic.rest.v2'
const reasonHeader = 'lockkeeper-reason'

export class Opening {
  readonly #options: OpeningOptions
  readonly #path: string
  readonly #lines: Lines
  readonly #locks = new Set<ObjectName>()
  #hasBegun = false
  #hasLetGo = false

  constructor(options: OpeningOptions) {
    this.#options = options
    this.#path = repositoryPath(options.repository, options.tag)
    this.#lines = new Lines(options.address)
  }

  /** It has deleted the last lock that it had: what this process begins from here on is another run. */
  get hasLetGo(): boolean {
    return this.#hasLetGo && this.#locks.size === 0
  }

  /** The first look at a config that is there bears the writer; later ones only read it. */
  async sizeOfConfig(): Promise<number | undefined> {
    const config = 'config' as ObjectName
    if (this.#hasBegun) {
      const answer = await this.#ask({ line: 'first', method: 'GET', path: objectPath(config) })
      return this.#isThere(answer, config) ? answer.body.length : undefined
    }
    const size = await this.#sizeOf(config, 'first')
    if (size === undefined) return undefined
    this.#hasBegun = true
    this.#lines.renewOthers()
    return size
  }

  /** Bears nobody. */
  async hasConfig(): Promise<boolean> {
    const config = 'config' as ObjectName
    const answer = await this.#ask({ line: 'other', method: 'GET', path: objectPath(config) })
    return this.#isThere(answer, config)
  }

  /** Undefined where there is no such object. */
  async size(object: ObjectName): Promise<number | undefined> {
    return this.#sizeOf(object, 'other')
  }

  async list(type: ListedType, prefix = ''): Promise<readonly Entry[]> {
    const answer = await this.#ask({
      line: 'other',
      method: 'GET',
      path: listPath(type, prefix),
      headers: { accept: listType },
    })
    if (answer.status !== 200) throw this.#refused(answer, `${type}/`)
    return entriesOf(answer.body)
  }

  /** As many bytes from `start` as there are, at most `length`. */
  async read(object: ObjectName, start: number, length: number): Promise<Buffer> {
    const answer = await this.#ask({
      line: 'other',
      method: 'GET',
      path: objectPath(object),
      headers: { range: `bytes=${start}-${start + length - 1}` },
    })
    if (answer.status === 206) return answer.body
    // An empty object has no ranges, so it is answered whole.
    if (answer.status === 200) return answer.body.subarray(start, start + length)
    if (answer.status === 416) return Buffer.alloc(0)
    throw this.#refused(answer, object)
  }

  /** The object, to be read piece by piece and closed. */
  async open(object: ObjectName): Promise<ObjectBytes> {
    const place = this.#options.address.isOnOwnDisk && (await this.#placeOf(object))
    return place === undefined ? new ObjectReader(object, this) : OwnFile.open(place)
  }

  /** Bytes that are not all there yet. */
  begin(object: ObjectName): Upload {
    if (this.#options.address.isOnOwnDisk !== true) {
      const body = new BodyStream()
      return { body, committed: this.upload(object, body.stream) }
    }
    const body = new OwnBody()
    const onHint = (header: (name: string) => string | undefined): void =>
      body.told(header(placeHeader) ?? placeNone)
    return { body, committed: this.#upload(object, { ...wanted, onHint, body: body.stream }) }
  }

  /** Resolves once the object is committed. A body that ends with an error commits nothing. */
  async upload(object: ObjectName, body: NonNullable<Question['body']>): Promise<void> {
    await this.#upload(object, { body })
  }

  async #upload(
    object: ObjectName,
    sent: Pick<Question, 'body' | 'headers' | 'onHint'>,
  ): Promise<void> {
    const type = typeOf(object)
    // Only what is whole may hold up the first line: what follows there may be what the sender waits for.
    const line = type === 'data' || !Buffer.isBuffer(sent.body) ? 'other' : 'first'
    const answer = await this.#ask({ line, method: 'POST', path: objectPath(object), ...sent })
    if (answer.status !== 200) throw this.#refused(answer, object)
    if (type === 'locks') this.#locks.add(object)
    if (type === 'index' || type === 'snapshots') await this.#confirm(object, line)
  }

  async remove(object: ObjectName): Promise<void> {
    const isLock = typeOf(object) === 'locks'
    const line = isLock ? 'first' : 'other'
    const answer = await this.#ask({ line, method: 'DELETE', path: objectPath(object) })
    if (answer.status !== 200) throw this.#refused(answer, object)
    if (isLock && this.#locks.delete(object)) this.#hasLetGo = true
  }

  /** Makes the folders of the repository. */
  async create(): Promise<void> {
    const answer = await this.#ask({ line: 'other', method: 'POST', path: '/?create=true' })
    if (answer.status !== 200) throw this.#refused(answer, '')
  }

  /** To be called when its process has exited, or another opening has taken its place. */
  close(): void {
    this.#lines.close()
  }

  /**
   * A further request on the line proves that the answer arrived: a later deletion by the same writer is then a real
   * one, not one that takes back an upload of which nobody knows (DESIGN.md, rule 8).
   */
  async #confirm(object: ObjectName, line: Line): Promise<void> {
    try {
      await this.#ask({ line, method: 'HEAD', path: objectPath(object) })
    } catch {
      // It is committed all the same.
    }
  }

  /** Undefined where it does not lie in a file as it is. */
  async #placeOf(object: ObjectName): Promise<FilePlace | undefined> {
    const answer = await this.#ask({
      line: 'other',
      method: 'GET',
      path: objectPath(object),
      // Whoever does not tell answers with little.
      headers: { ...wanted.headers, range: 'bytes=0-0' },
    })
    if (answer.status >= 400) throw this.#refused(answer, object)
    return parseFilePlace(answer.header(placeHeader) ?? '')
  }

  async #sizeOf(object: ObjectName, line: Line): Promise<number | undefined> {
    const answer = await this.#ask({ line, method: 'HEAD', path: objectPath(object) })
    return this.#isThere(answer, object) ? Number(answer.header('content-length')) : undefined
  }

  #isThere(answer: GatewayAnswer, object: ObjectName): boolean {
    if (answer.status === 404) return false
    if (answer.status !== 200) throw this.#refused(answer, object)
    return true
  }

  async #ask(question: Question): Promise<GatewayAnswer> {
    return this.#lines.ask({ ...question, path: `${this.#path}${question.path}` })
  }

  #refused(answer: GatewayAnswer, object: string): CallError {
    const sentence = answer.body.toString().trim()
    const code = errnoOfAnswer(answer.status, answer.header(reasonHeader))
    this.#options.onRefused(sentence, `${this.#options.repository}/${object}`)
    return new CallError(code, sentence)
  }
}

function entriesOf(body: Buffer): Entry[] {
  const value: unknown = JSON.parse(body.toString())
  if (!Array.isArray(value)) throw new Error('a list must be an array')
  return value.map((entry: unknown) => {
    if (
      typeof entry !== 'object' ||
      entry === null ||
      !('name' in entry) ||
      !('size' in entry)
    ) {
      throw new Error('an entry of a list must have a name and a size')
    }
    return { id: String(entry.name), size: Number(entry.size) }
  })
}
