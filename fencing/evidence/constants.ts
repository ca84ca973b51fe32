/**
 * Evidence: what is constant in a process. Fact: a client sends the same tag, user, Host, base path, HTTP version,
 * User-Agent and form of Authorization with every request of one run (docs/RESTIC.md section 9), and a run cannot use a
 * connection that was opened before it began.
 */
import type { Caller, Context } from '../rules/context.js'
import type { RepositoryState } from '../state/repository-state.js'
import type { Writer } from '../state/writer.js'

/** What a request says of its process, whatever it asks. */
type Said = Pick<Caller, 'tag' | 'client' | 'constants' | 'channel' | 'hasFailedToOpen'>

/** Living or ended: as far as the constants and the age of the channel say. An address excludes nobody. */
export function mayBeSender(context: Context, caller: Said, writer: Writer): boolean {
  return agrees(caller, writer) && mayUse(context, caller, writer)
}

function agrees(caller: Said, writer: Writer): boolean {
  if (writer.tag !== caller.tag) return false
  const { user } = caller.client
  const isUser =
    user === undefined || writer.client.user === user || writer.isFromBefore === true
  if (!isUser) return false
  const { constants } = caller
  if (constants === undefined || writer.constants === undefined) return true
  return constants === writer.constants
}

/** A client whose opening failed asks again, so its writer may be born later than the channel was opened. */
function mayUse(context: Context, caller: Said, writer: Writer): boolean {
  const { channel } = caller
  if (channel.channel.isHidden || channel.isMixed || caller.hasFailedToOpen === true)
    return true
  if (channel.sender?.only === writer.id) return true
  return context.presence.of(writer.id).bornAt <= channel.channel.openedAt
}

export function mayHaveLocked(state: RepositoryState, writer: Writer): boolean {
  return writer.hasLocked || mayHaveLockedUnseen(state, writer)
}

/** A lock whose owner is not certain may be its. */
export function mayHaveLockedUnseen(state: RepositoryState, writer: Writer): boolean {
  if (writer.mayHaveWritten) return true
  for (const { candidates, hasLocked } of state.senders.values()) {
    if (hasLocked && candidates.includes(writer.id)) return true
  }
  return false
}
