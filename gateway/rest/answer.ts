/** Knows how restic is told what came of its request. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { tell as tellWhole, tellBare, type Told } from '../http/answer.js'

/**
 * The answer to a deletion has no body: restic before 0.17 does not read it and gives up its connection for it, so that each
 * further try would come on a channel that says nothing of whose it is (RESTIC.md, section 3).
 */
export function tell(answer: ServerResponse, told: Told, headers?: OutgoingHttpHeaders): void {
  const isDeletion = answer.req.method === 'DELETE'
  const how = isDeletion ? tellBare : tellWhole
  how(answer, told, headers)
}
