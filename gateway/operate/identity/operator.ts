/** Who acts: an identity that was proved, and what it may do. What a request says of itself is no part of it. */
import type { Role } from '../admin/views.js'

export interface Operator {
  readonly name: string
  readonly role: Role
  /** How it was proved. */
  readonly way: 'socket' | 'password' | 'certificate' | 'token' | 'link'
}

/** As it stands in the journal. */
export function actorOf({ name, way }: Operator): string {
  return way === 'socket' ? name : `${name}, by ${way}`
}
