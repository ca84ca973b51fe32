/** Knows where the state of a folder lies, and the sockets in it; whoever only asks a gateway needs no more of it. */
import { join, resolve } from 'node:path'
import { stateFolderName } from '../../../fencing/object.js'

/** `chosen` is what the operator says instead of the usual place in the root. */
export const stateFolderOf = (root: string, chosen?: string): string =>
  chosen === undefined ? join(root, stateFolderName) : resolve(chosen)
export const adminSocketIn = (folder: string): string => join(folder, 'admin.sock')
export const mountSocketIn = (folder: string): string => join(folder, 'mount.sock')
export const tokensIn = (folder: string): string => join(folder, 'tokens.json')
/** All in it follows from the journal; it may be removed at any time. */
export const searchIn = (folder: string): string => join(folder, 'search.sqlite')
/** What those who are notified were told. */
export const notifyIn = (folder: string): string => join(folder, 'notify')
