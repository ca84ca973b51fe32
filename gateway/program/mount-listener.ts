/** Knows how mounts on this machine reach the gate: on a socket of their own in the state folder, for its user only. */
import { lstat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { identityOf } from '../../backends/local/disk.js'
import type { Clock } from '../../fencing/ports.js'
import { clientHeader } from '../fuse/gateway-address.js'
import type { Gate } from '../gate/gate.js'
import type { Identity } from '../http/authentication/authenticator.js'
import { createDoorServer } from './doors.js'

export interface MountListenerOptions {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  readonly isAppendOnly: boolean
  /** The real path of the folder of the repositories. */
  readonly folder: string
  readonly file: string
}

export interface MountListener {
  readonly close: (graceMs: number) => Promise<void>
}

export async function openMountListener(options: MountListenerOptions): Promise<MountListener> {
  const { file, folder, ...rest } = options
  const ownDisk = { path: folder, identity: identityOf(await lstat(folder)) }
  const server = createDoorServer({
    ...{ ...rest, ownDisk, hasDav: false, authenticate: clientOf },
  })
  await server.listen({ path: file })
  return { close: async (graceMs) => server.close(graceMs) }
}

/** Only this user's processes can connect, so a mount is believed when it names its client. */
async function clientOf(request: IncomingMessage): Promise<Identity> {
  const user = request.headers[clientHeader]
  return typeof user === 'string' ? { kind: 'user', user } : { kind: 'anybody' }
}
