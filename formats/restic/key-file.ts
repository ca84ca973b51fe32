/** Opens a repository's master key with a password. */
import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { keyBytes, SealingKey } from './cipher.js'
import { damaged, FormatError } from './format-error.js'
import { parseId, type Id } from './id.js'
import { JsonScanner } from './json-scanner.js'
import { readWhole, type RepositoryFiles } from './ports.js'

const noBytes = Buffer.alloc(0)
const fileBytesMax = 64 * 1024
/** As restic tries at most so many of a repository's keys. */
const keysMax = 20
/** Of scrypt; restic takes 32 MiB and half a second. A file that asks for much more is no key of a person. */
const memoryBytesMax = 2 ** 30
const stepsMax = 2 ** 28

const derive = promisify<
  Buffer,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt)

export interface KeyFile {
  readonly N: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  /** The master key, sealed with the one that scrypt makes of the password. */
  readonly data: Buffer
  readonly username: string
  readonly hostname: string
  readonly created: string
}

export function parseKeyFile(text: Buffer): KeyFile {
  const scanner = new JsonScanner(text, 'a key').requireUtf8()
  const numbers = { N: 0, r: 0, p: 0 }
  const bytes: { salt: Buffer; data: Buffer } = { salt: noBytes, data: noBytes }
  const texts = { kdf: '', username: '', hostname: '', created: '' }
  scanner.object((key) => {
    if (isKeyOf(numbers, key)) numbers[key] = scanner.uint32()
    else if (isKeyOf(bytes, key)) bytes[key] = scanner.base64()
    else if (isKeyOf(texts, key)) texts[key] = scanner.text()
    else scanner.skip()
  })
  scanner.end()
  const { kdf, ...rest } = texts
  if (kdf !== 'scrypt') throw new FormatError('unsupported', 'a key is not made by scrypt')
  requireReasonable(numbers)
  return { ...numbers, ...bytes, ...rest }
}

function isKeyOf<T extends object>(record: T, key: string): key is keyof T & string {
  return Object.hasOwn(record, key)
}

function requireReasonable({ N, r, p }: Pick<KeyFile, 'N' | 'r' | 'p'>): void {
  const isPowerOfTwo = N > 1 && Math.log2(N) % 1 === 0
  if (!isPowerOfTwo || r === 0 || p === 0) throw damaged('a key has no cost')
  if (128 * r * (N + p) > memoryBytesMax || N * r * p > stepsMax) {
    throw new FormatError('too-large', 'a key takes more memory or time than is given to it')
  }
}

/** Undefined where the password is not this key's. */
export async function tryPassword(
  file: KeyFile,
  password: Buffer,
): Promise<SealingKey | undefined> {
  const { N, r, p, salt, data } = file
  const derived = await derive(password, salt, keyBytes, {
    N,
    r,
    p,
    maxmem: 128 * r * (N + p) + 2 ** 20,
  })
  const own = new SealingKey(derived)
  const text = own.tryOpen(data)
  own.forget()
  if (text === undefined) return undefined
  try {
    return readMasterKey(text)
  } finally {
    text.fill(0)
  }
}

function readMasterKey(text: Buffer): SealingKey {
  const scanner = new JsonScanner(text, 'a master key')
  const parts: { encrypt: Buffer; k: Buffer; r: Buffer } = {
    encrypt: noBytes,
    k: noBytes,
    r: noBytes,
  }
  scanner.object((key) => {
    if (key === 'encrypt') parts.encrypt = scanner.base64()
    else if (key === 'mac') {
      scanner.object((half) => {
        if (half === 'k' || half === 'r') parts[half] = scanner.base64()
        else scanner.skip()
      })
    } else scanner.skip()
  })
  scanner.end()
  const { encrypt, k, r } = parts
  if (encrypt.length !== 32 || k.length !== 16 || r.length !== 16) {
    throw damaged('a master key has not 64 bytes')
  }
  const key = new SealingKey(Buffer.concat([encrypt, k, r]))
  for (const part of [encrypt, k, r]) part.fill(0)
  return key
}

export interface FoundKey {
  readonly key: SealingKey
  /** Of the key file that the password opens. */
  readonly id: Id
}

/** Tries the repository's keys one after another. Damaged ones are passed over, as long as another opens. */
export async function findKey(files: RepositoryFiles, password: Buffer): Promise<FoundKey> {
  const listed = (await files.list('keys')).slice(0, keysMax)
  if (listed.length === 0) throw new FormatError('missing', 'the repository has no key')
  let problem: FormatError | undefined
  for (const { id: text } of listed) {
    const id = parseId(text)
    if (id === undefined) continue
    try {
      const file = parseKeyFile(await readWhole(files, `keys/${id}`, fileBytesMax))
      const key = await tryPassword(file, password)
      if (key !== undefined) return { key, id }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      problem = error
    }
  }
  throw new FormatError('wrong-password', 'no key of the repository opens with the password', {
    cause: problem,
  })
}
