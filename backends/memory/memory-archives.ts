/** Archives that live as long as their process, for tests and simulations. */
import { createHash } from 'node:crypto'
import { BackendError, type JournalArchives } from '../../fencing/ports.js'

export function memoryArchives(files = new Map<string, readonly string[]>()): JournalArchives {
  return {
    write: async (name, lines) => {
      const all: string[] = []
      for await (const line of lines) all.push(line)
      files.set(name, all)
      return createHash('sha256').update(all.join('\n')).digest('hex')
    },
    read: async function* (name) {
      const lines = files.get(name)
      if (lines === undefined)
        throw new BackendError('not-found', `there is no archive "${name}"`)
      yield* lines
    },
  }
}
