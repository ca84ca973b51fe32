/** Serves operators on a Unix socket in the state folder, for its own user only. */
import { chmod, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { shortSocketPath } from '../program/socket-path.js'
import type { ApiParts } from './api/parts.js'
import { socketOperator } from './identity/socket-identity.js'
import { createOperatorServer } from './operator-server.js'

export interface OperatorSocketOptions {
  readonly parts: ApiParts
  /** Whoever holds the state may take it: what lies there is left from a gateway that was killed. */
  readonly file: string
  readonly logger: Logger
}

export interface OperatorSocket {
  readonly close: () => Promise<void>
}

const ownerOnly = 0o600

export async function openOperatorSocket({
  parts,
  file,
  logger,
}: OperatorSocketOptions): Promise<OperatorSocket> {
  const ending = new AbortController()
  const app = createOperatorServer({
    ...{ parts, logger, ending: ending.signal },
    identify: async ({ headers }) => socketOperator(headers),
  })
  const short = await shortSocketPath(file)
  const close = async (): Promise<void> => {
    ending.abort()
    await app.close()
    await short.release()
  }
  try {
    await rm(file, { force: true })
    await app.listen({ path: short.path })
    await chmod(file, ownerOnly)
    return { close }
  } catch (error) {
    await close()
    throw error
  }
}
