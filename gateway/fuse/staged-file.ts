/**
 * Knows one file under its temporary name: its bytes are on their way to the gateway while it is written, and the rename
 * is what commits them. Until then nothing of it can be seen in the repository, and dropping it leaves nothing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import { CallError } from './errno.js'
import type { Opening, Upload } from './opening.js'

/** Packs that are larger go out while they are written; everything else is sent whole, on a line that proves its author. */
const heldBytesMax = { pack: 256 * 1024, other: 64 * 1024 * 1024 } as const

const refusalDelayMs = 500

export class StagedFile {
  readonly object: ObjectName
  readonly opening: Opening
  readonly #heldMax: number
  #held: Buffer[] = []
  #size = 0
  #upload: Upload | undefined
  #isOver = false

  constructor(object: ObjectName, opening: Opening) {
    this.object = object
    this.opening = opening
    this.#heldMax = typeOf(object) === 'data' ? heldBytesMax.pack : heldBytesMax.other
  }

  get size(): number {
    return this.#size
  }

  /** Copies the bytes. restic writes from the beginning to the end; nothing else can be sent on while it is written. */
  write(bytes: Buffer, offset: number): Promise<void> | undefined {
    this.#check()
    if (offset !== this.#size) throw new CallError('EINVAL')
    this.#size += bytes.length
    if (this.#upload !== undefined) return this.#upload.body.send(bytes)
    this.#held.push(Buffer.from(bytes))
    return this.#size > this.#heldMax ? this.#send() : undefined
  }

  truncate(size: number): void {
    this.#check()
    if (size === this.#size) return
    if (size !== 0 || this.#upload !== undefined) throw new CallError('EINVAL')
    this.#held = []
    this.#size = 0
  }

  /** What is still held reads as it was written. */
  read(offset: number, length: number): Buffer {
    if (this.#upload !== undefined) throw new CallError('EACCES')
    return Buffer.concat(this.#held).subarray(offset, offset + length)
  }

  /** Resolves when everything written has been handed on; it is the commit that makes it durable. */
  async sync(): Promise<void> {
    this.#check()
    await this.#upload?.body.drained()
  }

  /** Resolves once the object is durable in the repository. */
  async commit(): Promise<void> {
    this.#check()
    this.#isOver = true
    try {
      await this.#finish()
    } catch (error) {
      // restic queues its last packs one after another, and hangs where the first has failed by then; that is so on any
      // folder. With connections for all of them it is spared: they are queued well within this time.
      if (typeOf(this.object) === 'data') await delay(refusalDelayMs)
      throw error
    }
  }

  async #finish(): Promise<void> {
    if (this.#upload === undefined) {
      await this.opening.upload(this.object, Buffer.concat(this.#held))
      return
    }
    await this.#upload.body.end()
    await this.#upload.committed
  }

  discard(): void {
    this.#isOver = true
    this.#held = []
    this.#upload?.body.fail(new Error('the file was removed before it had its name'))
  }

  async #send(): Promise<void> {
    const upload = this.opening.begin(this.object)
    const { body, committed } = upload
    committed.catch((error: unknown) => {
      body.fail(error instanceof Error ? error : new Error('the upload failed'))
    })
    this.#upload = upload
    const held = this.#held
    this.#held = []
    for (const bytes of held) await body.send(bytes)
  }

  #check(): void {
    if (this.#isOver) throw new CallError('EIO')
  }
}
