/** Knows where a visitor may go who may enter one folder below the root only. */
import type { Visitor } from '../gate/gate.js'
import type { PlainPath } from './plain-files.js'

/** Whether what is at a path is this visitor's; the root is everybody's, but only to be looked at. */
export function isOwn({ realm }: Visitor, path: PlainPath): boolean {
  return realm === undefined || (realm !== '' && path[0] === realm)
}

const lookingMethods: ReadonlySet<string> = new Set(['OPTIONS', 'PROPFIND'])

export function mayAsk(visitor: Visitor, method: string, path: PlainPath): boolean {
  return isOwn(visitor, path) || (path.length === 0 && lookingMethods.has(method))
}
