/** Knows how a gateway mounts its own repositories. */
import { sep } from 'node:path'
import type { Logger } from 'pino'
import { gatewayAt } from '../fuse/gateway-address.js'
import { realPathOf } from '../fuse/mount-table.js'
import { MountError, NoMountsError } from '../fuse/mount-error.js'
import { openMount, type Mount } from '../fuse/mounting.js'
import { messageOf } from './fault.js'
import { StartError } from './start-error.js'

export interface ServedMountOptions {
  /** The real path of the folder of the repositories. */
  readonly folder: string
  /** Where the gateway listens for mounts. */
  readonly socket: string
  readonly mountFolder: string
  readonly as: string | undefined
  readonly isReadOnly: boolean
  readonly allowOther: boolean
  /** Ordinary files may lie beside the repositories. */
  readonly hasPlainFiles: boolean
  readonly logger: Logger
}

/** Throws a StartError. */
export async function openServedMount(options: ServedMountOptions): Promise<Mount> {
  const { folder, socket, mountFolder, as, hasPlainFiles, ...rest } = options
  await refuseOverlap(folder, mountFolder)
  return mounting(() =>
    openMount({
      ...rest,
      ...(as === undefined ? {} : { as }),
      folder: mountFolder,
      address: gatewayAt(socket, as),
      basis: [],
      spaceOf: folder,
      ...(hasPlainFiles ? { plainRoot: folder } : {}),
    }),
  )
}

/** Runs a step of the start of a mount; what the system cannot do becomes a StartError. */
export async function mounting<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof MountError) throw new StartError(error.message, { cause: error })
    throw error
  }
}

/** The system has no mounts, whatever is asked for. */
export function isLackOfMounts(error: unknown): boolean {
  return error instanceof StartError && error.cause instanceof NoMountsError
}

/** A gateway that walks through its own mount would wait for itself. */
async function refuseOverlap(folder: string, mountFolder: string): Promise<void> {
  let place: string
  try {
    place = await realPathOf(mountFolder)
  } catch (error) {
    throw new StartError(`"${mountFolder}" cannot be mounted on: ${messageOf(error)}`)
  }
  const isWithin = `${place}${sep}`.startsWith(`${folder}${sep}`)
  const isAround = `${folder}${sep}`.startsWith(`${place}${sep}`)
  if (!isWithin && !isAround) return
  throw new StartError(
    `the mount "${place}" and the folder of the repositories "${folder}" lie in each other; mount somewhere else`,
  )
}
