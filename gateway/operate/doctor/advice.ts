/** Knows what is to be said to whoever sets up the clients, by how the gateway is set up. */
import { asksWho, type ListenerSettings } from '../../../config/listener-settings.js'
import type { Finding } from './finding.js'

export function adviceFor(listeners: readonly ListenerSettings[]): Finding[] {
  const texts = [
    'give each run a tag: "lockkeeper run -- restic …", or rest:http://HOST/-/w/$(uuidgen)/REPO; then hardly a run is ever put off',
    'use restic 0.17 or later: it stops at once when it is refused, where earlier ones try ten times, and give up after ten answers of "try again"',
    'let clients wait for locks with --retry-lock 30m (restic 0.16 and later) instead of "restic unlock"; locks of sleepers go on their own',
    'leave --stuck-request-timeout at its 5 minutes: a held answer takes one minute at most',
  ]
  if (listeners.some((listener) => !asksWho(listener))) {
    texts.push(
      'give each machine a user of its own: it tells their runs apart, even without tags',
    )
  }
  if (listeners.every(({ isAppendOnly }) => !isAppendOnly)) {
    texts.push('give clients an --append-only listener, and prune through another one')
  }
  if (listeners.some(({ tls }) => tls?.http2 === true)) {
    texts.push(
      'over HTTP/2 a refused run is told "403 Forbidden" only; the words are in the log',
    )
  }
  return texts.map((text) => ({ check: 'clients', level: 'advice', text }))
}
