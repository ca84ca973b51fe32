/** Every reason for which an operator is told no, once: its name is stable, and stands in problem documents and docs/AUDIT.md. */

/**
 * unknown: there is no such thing. refused: it is there and must not be done. malformed: the question cannot be understood.
 * unavailable: the journal or the store cannot answer. forbidden: somebody else may do it.
 */
export type AdminErrorCode = 'unknown' | 'refused' | 'malformed' | 'unavailable' | 'forbidden'

interface Reason {
  readonly code: AdminErrorCode
  readonly status: number
  readonly title: string
}

const unknown = (title: string): Reason => ({ code: 'unknown', status: 404, title })
const refused = (title: string): Reason => ({ code: 'refused', status: 409, title })
const malformed = (title: string): Reason => ({ code: 'malformed', status: 400, title })
const unavailable = (title: string): Reason => ({ code: 'unavailable', status: 503, title })

export const adminReasons = {
  'unknown-repository': unknown('There is no such repository'),
  'unknown-writer': unknown('There is no such writer'),
  'unknown-item': unknown('There is no such item'),
  'unknown-overlay': unknown('There is no such overlay'),
  'unknown-token': unknown('There is no such token'),
  'unknown-address': unknown('There is nothing at this address'),
  'already-ended': refused('The writer has ended already'),
  'already-decided': refused('What becomes of the item is decided already'),
  'not-kept': refused('The bytes of the item were not kept'),
  'not-a-pack': refused('It is not proved that the item may be released'),
  'is-a-lock': refused('A lock is never released'),
  'damaged-bytes': refused('The bytes of the item are damaged'),
  'never-replaced': refused('Other content stands in the repository'),
  'no-gateway': refused('No gateway runs here'),
  'too-many': refused('There are too many already'),
  'malformed-question': malformed('The question cannot be understood'),
  'several-match': malformed('Several repositories have one of that name'),
  'not-signed-in': { code: 'forbidden', status: 401, title: 'It is not known who is asking' },
  'not-an-operator': { code: 'forbidden', status: 403, title: 'A viewer may only look' },
  'other-site': { code: 'forbidden', status: 403, title: 'A page of another site asked' },
  'link-is-used': {
    code: 'forbidden',
    status: 403,
    title: 'The link was used, or its minute is over',
  },
  'too-many-logins': unavailable('Too many passwords wait to be checked'),
  unavailable: unavailable('The journal or the store cannot answer'),
  'not-carried-out': unavailable('It is in the journal, and is still to be carried out'),
  'another-version': unavailable('The gateway is another version of Lockkeeper'),
  'gateway-gone': unavailable('The gateway has gone'),
} as const satisfies Readonly<Record<string, Reason>>

export type AdminReason = keyof typeof adminReasons
export const adminReasonNames = Object.keys(adminReasons) as [AdminReason, ...AdminReason[]]

/** The answer to an operator's question is no. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly reason: AdminReason

  constructor(reason: AdminReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }

  get code(): AdminErrorCode {
    return adminReasons[this.reason].code
  }
}
