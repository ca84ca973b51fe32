/** Knows how a process of this user and machine is told, over HTTP, where bytes lie, so that it need not be sent them. */
import type { Stats } from 'node:fs'
import { identityOf } from '../../backends/local/disk.js'
import type { FilePlace } from '../../fencing/ports.js'

/** In a request: where do they lie, or are to lie? In an answer: there. */
export const placeHeader = 'lockkeeper-place'
export const placeWanted = 'wanted'
/** Where bytes that were to be written are of no use any more. */
export const placeNone = 'none'

export function formatPlace({ path, identity }: FilePlace): string {
  return `${identity} ${encodeURIComponent(path)}`
}

export function parseFilePlace(text: string): FilePlace | undefined {
  const [, identity, path] = /^(\d+-\d+) (\S+)$/.exec(text) ?? []
  if (identity === undefined || path === undefined) return undefined
  return { identity, path: decodeURIComponent(path) }
}

/** Whether this process has found there what the other one means: it may see other disks, or they may have changed. */
export function isAt({ identity }: FilePlace, found: Stats): boolean {
  return identityOf(found) === identity
}
