/** Knows how an operator's command reaches the state of a folder: through the gateway that has it, or by taking it. */
import { stat } from 'node:fs/promises'
import { serveOptions } from '../../../config/schema.js'
import { loadSettings } from '../../../config/load.js'
import { BackendError } from '../../../fencing/ports.js'
import type { Assembly } from '../../program/assembly.js'
import { messageOf, codeOf } from '../../program/fault.js'
import { existingFolder } from '../../program/served-folder.js'
import { StartError } from '../../program/start-error.js'
import { adminSocketIn, stateFolderOf, tokensIn } from '../../program/state/places.js'
import type { Admin } from './admin.js'
import { connectApi } from '../api/client.js'
import { shortSocketPath } from '../../program/socket-path.js'

export interface Reached {
  readonly admin: Admin
  /** False where this command has taken the state itself. */
  readonly isServed: boolean
  readonly close: () => Promise<void>
}

export interface FolderSettings {
  readonly path: string
  /** The state folder, where it is not in the folder of the repositories. */
  readonly state: string | undefined
}

interface Taking {
  readonly folder: string
  readonly state: string | undefined
  readonly command: string
  readonly deadline: number
}

/** A gateway that starts has the state before it answers; one that ends answers no more before it lets go. */
const changeMs = 12_000
const retryMs = 100

/** Throws a StartError where the state cannot be had. */
export async function reachAdmin(
  { path, state }: FolderSettings,
  command: string,
): Promise<Reached> {
  const folder = await existingFolder(path)
  const stateFolder = stateFolderOf(folder, state)
  await requireState(folder, stateFolder)
  const deadline = performance.now() + changeMs
  for (;;) {
    const reached =
      (await askGateway(folder, stateFolder)) ??
      (await takeState({ folder, state, command, deadline }))
    if (reached !== undefined) return reached
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

async function requireState(folder: string, stateFolder: string): Promise<void> {
  try {
    await stat(stateFolder)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      throw new StartError(`the state of "${folder}" cannot be looked at: ${messageOf(error)}`)
    }
    throw new StartError(
      `no gateway has served "${folder}" yet; start one with "lockkeeper serve --path ${folder}", or say --path`,
    )
  }
}

/** Undefined where no gateway answers. */
async function askGateway(folder: string, stateFolder: string): Promise<Reached | undefined> {
  const socket = await shortSocketPath(adminSocketIn(stateFolder))
  const admin = connectApi(socket.path)
  const close = async (): Promise<void> => {
    await admin.close()
    await socket.release()
  }
  try {
    await admin.greet()
    return { admin, isServed: true, close }
  } catch (error) {
    await close()
    const code = codeOf(error)
    if (code === 'EACCES' || code === 'EPERM') {
      throw new StartError(
        `the gateway of "${folder}" belongs to another user; run this as that user, or as root`,
      )
    }
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') return undefined
    throw error
  }
}

/** Undefined where somebody has it, and there is time to ask again. */
async function takeState({
  folder,
  state,
  command,
  deadline,
}: Taking): Promise<Reached | undefined> {
  // While a gateway runs nothing of this is needed.
  const { assemble } = await import('../../program/assembly.js')
  const { Recordings } = await import('./following.js')
  const { TokenFile } = await import('../identity/token-file.js')
  const { AdminService } = await import('./service.js')
  const recordings = new Recordings()
  let assembly: Assembly
  try {
    assembly = await assemble({
      folder,
      command,
      settings: { ...loadSettings(serveOptions, []), state },
      observe: recordings.observe,
      onFault: () => undefined,
    })
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    if (error.code === 'locked' && performance.now() < deadline) return undefined
    throw new StartError(error.message, { cause: error })
  }
  const tokens = new TokenFile(tokensIn(assembly.state.folder), () => Date.now())
  const admin = new AdminService({ ...assembly, recordings, tokens })
  return { admin, isServed: false, close: assembly.close }
}
