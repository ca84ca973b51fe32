/** Reads and compares restic's names: the SHA-256 of what they name, as 64 hex digits or 32 bytes. */
import { createHash } from 'node:crypto'
import { damaged } from './format-error.js'

export const idBytes = 32

/** 64 lower-case hex digits. */
export type Id = string & { readonly __brand: 'Id' }

const pattern = /^[0-9a-f]{64}$/

export function parseId(text: string): Id | undefined {
  return pattern.test(text) ? (text as Id) : undefined
}

/** The name that stands in 32 bytes from this place on. */
export function idAt(bytes: Buffer, at: number): Id {
  return bytes.toString('hex', at, at + idBytes) as Id
}

export function idOf(content: Buffer): Id {
  return createHash('sha256').update(content).digest('hex') as Id
}

export function bytesOfId(id: Id): Buffer {
  return Buffer.from(id, 'hex')
}

/** Where a hex digit stands in ASCII its value, elsewhere 255. */
const digitValues = new Uint8Array(256).fill(255)
for (const [value, digit] of Buffer.from('0123456789abcdef').entries()) {
  digitValues[digit] = value
}

/** Writes the 32 bytes of a name that stands as hex digits in a text; throws where it is none. */
export function copyHexId(text: Buffer, start: number, target: Uint8Array, at: number): void {
  let isWrong = 0
  for (let byte = 0; byte < idBytes; byte += 1) {
    const high = digitValues[text[start + 2 * byte] ?? 0] ?? 255
    const low = digitValues[text[start + 2 * byte + 1] ?? 0] ?? 255
    isWrong |= (high | low) & 0xf0
    target[at + byte] = (high << 4) | low
  }
  if (isWrong !== 0) throw damaged('a name is not 64 hex digits')
}
