/** Seals as restic does, so that tests can write what no client would. */
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import type { SealingKey } from '../../formats/restic/cipher.js'
import type { Id } from '../../formats/restic/id.js'

export const seal = (key: SealingKey, content: Buffer, iv = randomBytes(16)): Buffer => {
  const bytes = key.export()
  const pad = createCipheriv('aes-128-ecb', bytes.subarray(32, 48), null).update(iv)
  const sealed = createCipheriv('aes-256-ctr', bytes.subarray(0, 32), iv).update(content)
  const mac = poly1305(sealed, Buffer.concat([bytes.subarray(48, 64), pad]))
  return Buffer.concat([iv, sealed, mac])
}

export const sha256 = (bytes: Buffer): Id =>
  createHash('sha256').update(bytes).digest('hex') as Id
