/** Opens what restic sealed: AES-256-CTR, whose Poly1305-AES is checked before a byte is decrypted. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { damaged } from './format-error.js'
import { bestMac, type Mac } from './mac.js'

const ivBytes = 16
const macBytes = 16
/** How many bytes longer than its content a sealed text is. */
export const sealBytes = ivBytes + macBytes
/** Encryption key, then the two halves of the MAC's: k and r. */
export const keyBytes = 64

/** A key that opens: a user's own, or a repository's master key. */
export class SealingKey {
  readonly #encrypt: Buffer
  readonly #k: Buffer
  readonly #r: Buffer
  readonly #mac: Mac

  /** Takes the 64 bytes over and zeroes what was handed in. */
  constructor(bytes: Buffer, mac = bestMac()) {
    if (bytes.length !== keyBytes) throw damaged('a key has not 64 bytes')
    const secret = mac.secretBytes(keyBytes)
    bytes.copy(secret)
    bytes.fill(0)
    this.#encrypt = secret.subarray(0, 32)
    this.#k = secret.subarray(32, 48)
    this.#r = secret.subarray(48, 64)
    for (const at of [3, 7, 11, 15]) this.#r[at] = (this.#r[at] ?? 0) & 15
    for (const at of [4, 8, 12]) this.#r[at] = (this.#r[at] ?? 0) & 252
    this.#mac = mac
  }

  /** A copy of the key, to be handed to a thread and zeroed there. */
  export(): Buffer {
    return Buffer.concat([this.#encrypt, this.#k, this.#r])
  }

  /** Overwrites the key; nothing can be opened with it afterwards. */
  forget(): void {
    for (const part of [this.#encrypt, this.#k, this.#r]) part.fill(0)
  }

  /** The content, or undefined where the MAC says that it was not sealed with this key, or was changed since. */
  tryOpen(sealed: Buffer): Buffer | undefined {
    if (sealed.length < sealBytes) return undefined
    const iv = sealed.subarray(0, ivBytes)
    const content = sealed.subarray(ivBytes, -macBytes)
    const pad = createCipheriv('aes-128-ecb', this.#k, null).setAutoPadding(false).update(iv)
    const oneTimeKey = Buffer.concat([this.#r, pad])
    const isGenuine = this.#mac.verify(sealed.subarray(-macBytes), content, oneTimeKey)
    oneTimeKey.fill(0)
    if (!isGenuine) return undefined
    return createDecipheriv('aes-256-ctr', this.#encrypt, iv).update(content)
  }

  /** As `tryOpen`, but throws; `what` names the text in the message. */
  open(sealed: Buffer, what: string): Buffer {
    const content = this.tryOpen(sealed)
    if (content === undefined) throw damaged(`${what}: its MAC does not fit its bytes`)
    return content
  }
}
