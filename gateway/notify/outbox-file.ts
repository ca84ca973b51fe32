/** Keeps what a target was told, and is still to be told, in a file of the state folder. */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../program/fault.js'
import { formatOutbox, outboxSchema, type OutboxState } from './outbox.js'

export type Read = OutboxState | 'none' | 'damaged'

export async function readOutbox(file: string): Promise<Read> {
  try {
    const read = outboxSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return read.success ? read.data : 'damaged'
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'none'
    if (error instanceof SyntaxError) return 'damaged'
    throw error
  }
}

/** Durable when it resolves, and never half. */
export async function writeOutbox(file: string, state: OutboxState): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const made = await open(`${file}.new`, 'w', 0o600)
  try {
    await made.writeFile(formatOutbox(state))
    await made.sync()
  } finally {
    await made.close()
  }
  await rename(`${file}.new`, file)
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
