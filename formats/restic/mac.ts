/** Computes Poly1305, by libsodium where it loads and in JavaScript elsewhere. */
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { timingSafeEqual } from 'node:crypto'
import { createRequire } from 'node:module'

export interface Mac {
  readonly name: 'sodium' | 'javascript'
  /** True if the 16 bytes are the MAC of the message under the one-time key of 32 bytes. */
  readonly verify: (mac: Buffer, message: Buffer, key: Buffer) => boolean
  /** Memory for a secret, zeroed; outside of what a core dump or the swap file holds where that can be had. */
  readonly secretBytes: (length: number) => Buffer
}

interface Sodium {
  readonly crypto_onetimeauth_verify: (mac: Buffer, message: Buffer, key: Buffer) => boolean
  readonly sodium_malloc: (length: number) => Buffer
}

export const javascriptMac: Mac = {
  name: 'javascript',
  verify: (mac, message, key) =>
    mac.length === 16 && timingSafeEqual(poly1305(message, key), mac),
  secretBytes: (length) => Buffer.alloc(length),
}

/** Undefined where the library is missing, or cannot run on this system. */
export function loadSodiumMac(): Mac | undefined {
  try {
    const sodium = createRequire(import.meta.url)('sodium-native') as Sodium
    return {
      name: 'sodium',
      verify: (mac, message, key) =>
        mac.length === 16 && sodium.crypto_onetimeauth_verify(mac, message, key),
      secretBytes: (length) => sodium.sodium_malloc(length).fill(0),
    }
  } catch {
    return undefined
  }
}

let loaded: Mac | undefined

/** The best that is there; found once. */
export function bestMac(): Mac {
  loaded ??= loadSodiumMac() ?? javascriptMac
  return loaded
}
