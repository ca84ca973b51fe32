/** Reads what proves a message, or lets the gateway in, whenever it is needed: so it can be changed while the gateway runs. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseSigningSecret, type SecretSource } from '../../config/notify-settings.js'
import { codeOf } from '../program/fault.js'

/** Throws an Error that shows no secret. */
export async function signingKeys(source: SecretSource): Promise<Buffer[]> {
  const text = 'value' in source ? source.value : await read(source.file)
  const keys = text.split(/\s+/).flatMap((one) => parseSigningSecret(one) ?? [])
  if (keys.length > 0) return keys
  throw new Error('its secret is not "whsec_" and 24 to 64 bytes in base64')
}

/** Throws an Error that shows no secret. */
export async function passwordIn(file: string): Promise<string> {
  return (await read(file)).replace(/\r?\n$/, '')
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`"${file}" cannot be read: ${codeOf(error) ?? 'unknown'}`, { cause: error })
  }
}

/** Names a target in the state folder; the address itself may be a secret. */
export function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
