/** A thread that compares passwords with their hashes, one after another. */
import { compareSync } from 'bcrypt'
import { parentPort } from 'node:worker_threads'

export interface Comparison {
  readonly password: string
  readonly hash: string
}

parentPort?.on('message', ({ password, hash }: Comparison) => {
  parentPort?.postMessage(compareSync(password, hash))
})
