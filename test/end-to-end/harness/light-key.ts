/**
 * Knows how to rewrite a repository's key so that opening it takes milliseconds, not half a second of one core:
 * restic calibrates scrypt against guessing, which tests with hundreds of short runs need not fear. Everything else
 * in the repository stays as the real client made it.
 */
import { createCipheriv, createHash, randomBytes, scryptSync } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

interface KeyFile extends Cost {
  readonly salt: string
  readonly data: string
}

const LIGHT: Cost = { N: 2, r: 8, p: 1 }
const SCRYPT_BYTES_MAX = 256 * 2 ** 20
const IV_BYTES = 16
const MAC_BYTES = 16

const fromLittleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x00${Buffer.from(bytes).reverse().toString('hex')}`)

/** Poly1305 of a short text; `r` is clamped here. */
const poly1305 = (text: Buffer, r: Buffer, pad: Buffer): Buffer => {
  const prime = 2n ** 130n - 5n
  const factor = fromLittleEndian(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < text.length; at += 16) {
    const block = Buffer.concat([text.subarray(at, at + 16), Buffer.of(1)])
    sum = ((sum + fromLittleEndian(block)) * factor) % prime
  }
  const tag = (sum + fromLittleEndian(pad)) % 2n ** 128n
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse()
}

/** The password's own key of a key file: encrypts with the first half, authenticates with the second. */
const derive = (password: string, salt: Buffer, { N, r, p }: Cost): Buffer =>
  scryptSync(password, salt, 64, { N, r, p, maxmem: SCRYPT_BYTES_MAX })

const cipher = (key: Buffer, iv: Buffer, bytes: Buffer): Buffer =>
  createCipheriv('aes-256-ctr', key.subarray(0, 32), iv).update(bytes)

const mac = (key: Buffer, iv: Buffer, bytes: Buffer): Buffer => {
  const pad = createCipheriv('aes-128-ecb', key.subarray(32, 48), null).update(iv)
  return poly1305(bytes, key.subarray(48, 64), pad)
}

/** Replaces the one key of the repository in the folder, for the same password and the same master key. */
export const lightenKey = async (repository: string, password: string): Promise<void> => {
  const [name, ...others] = await readdir(join(repository, 'keys'))
  if (name === undefined || others.length > 0) throw new Error('not a repository with one key')
  const old = JSON.parse(await readFile(join(repository, 'keys', name), 'utf8')) as KeyFile
  const salt = Buffer.from(old.salt, 'base64')
  const sealed = Buffer.from(old.data, 'base64')
  const master = cipher(
    derive(password, salt, old),
    sealed.subarray(0, IV_BYTES),
    sealed.subarray(IV_BYTES, -MAC_BYTES),
  )

  const key = derive(password, salt, LIGHT)
  const iv = randomBytes(IV_BYTES)
  const bytes = cipher(key, iv, master)
  const data = Buffer.concat([iv, bytes, mac(key, iv, bytes)]).toString('base64')
  const text = JSON.stringify({ ...old, ...LIGHT, data })
  const id = createHash('sha256').update(text).digest('hex')
  await writeFile(join(repository, 'keys', id), text)
  await rm(join(repository, 'keys', name))
}
