/**
 * Says who acts over the socket in the state folder. Only the gateway's own user and root can open it, and either could as
 * well write the journal itself: so which login of theirs it was is taken from its word. No other way in believes this.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Operator } from './operator.js'

export const actorHeader = 'lockkeeper-actor'

export function socketOperator(headers: IncomingHttpHeaders): Operator {
  return { name: actorIn(headers[actorHeader]), role: 'operator', way: 'socket' }
}

function actorIn(header: string | string[] | undefined): string {
  if (typeof header !== 'string' || header === '') return 'whoever may open the socket'
  try {
    return decodeURIComponent(header).slice(0, 300)
  } catch {
    return 'whoever may open the socket'
  }
}
