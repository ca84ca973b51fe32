/** Reads a repository's files through the gate, as a visitor that only reads: no evidence of any writer. */
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import { BackendError, type OpenObject } from '../../fencing/ports.js'
import type { OpenFile, RepositoryFiles } from '../../formats/restic/ports.js'
import type { Gate, Visitor } from '../gate/gate.js'

const visitor: Visitor = {
  channel: { id: 'browse', openedAt: 0, isHidden: true },
  client: { address: 'browse' },
  isAppendOnly: true,
  isReader: true,
}

export function gateFiles(gate: Gate, repository: RepositoryId): RepositoryFiles {
  return {
    list: async (type: ListedType) => (await gate.list(visitor, repository, type)) ?? [],
    open: async (name) => {
      const opened = await gate.open(visitor, repository, name as ObjectName)
      return opened === undefined ? undefined : openFile(opened, name)
    },
  }
}

/** The store reads one range after another. */
function openFile(opened: OpenObject, name: string): OpenFile {
  let last: Promise<unknown> = Promise.resolve()
  const read = async (start: number, length: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafeSlow(length)
    for (let filled = 0; filled < length;) {
      const bytes = await opened.readInto(buffer.subarray(filled), start + filled)
      if (bytes === 0) throw new BackendError('corrupt', `${name} ends early`)
      filled += bytes
    }
    return buffer
  }
  let closed: Promise<void> | undefined
  return {
    size: opened.size,
    read: (start, length) => {
      const next = last.then(() => read(start, length))
      last = next.catch(() => undefined)
      return next
    },
    close: () => (closed ??= last.then(() => opened.close())),
  }
}
