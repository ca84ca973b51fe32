/** Makes bytes that do not compress, the same ones each time. */
import { createCipheriv } from 'node:crypto'

export const seededBytes = (length: number, seed = 1): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(
    Buffer.alloc(length),
  )
