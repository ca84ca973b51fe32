/** Says sizes, times, owners and modes for people. */
import { formatSize } from '../../../config/size.js'
import { unixPermissions } from '../../../formats/restic/go-values.js'
import type { Node } from '../../../formats/restic/node.js'

/** A name as text: what is no UTF-8 in it shows as U+FFFD. */
export function nameText(name: Buffer): string {
  return name.toString('utf8')
}

export function sizeText(size: bigint): string {
  return formatSize(Number(size))
}

/** In UTC, to the second. */
export function timeText(ns: bigint): string {
  const date = dateOf(ns)
  return date === undefined ? '-' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** For the attribute of `<time>` and for headers. */
export function dateOf(ns: bigint): Date | undefined {
  const date = new Date(Number(ns / 1_000_000n))
  return Number.isNaN(date.getTime()) || date.getTime() < -62_000_000_000_000 ? undefined : date
}

export function ownerText({ user, group, uid, gid }: Node): string {
  return `${user === '' ? uid : user}:${group === '' ? gid : group}`
}

const letters = 'rwxrwxrwx'
const typeLetters: Partial<Record<Node['type'], string>> = { dir: 'd', symlink: 'l' }

export function modeText({ mode, type }: Node): string {
  const bits = unixPermissions(mode)
  const permissions = Array.from(letters, (letter, at) => {
    return (bits & (1 << (8 - at))) === 0 ? '-' : letter
  })
  return `${typeLetters[type] ?? '-'}${permissions.join('')}`
}
