/** Tells in one sentence what stands in no journal: what is so now, and needs somebody. */
import { displayName } from '../admin/names.js'
import type { ClientView } from '../admin/views.js'

/** What a page says beside the name of the repository. */
export const overdueText = ({ client }: Pick<ClientView, 'client'>): string =>
  `${client} is overdue`

export const overdueSentence = (view: ClientView): string =>
  `${displayName(view.repository)}: ${overdueText(view)}, its last snapshot is of ${view.lastSnapshot}`

export const quarantineSentence = (bytes: number, bytesMax: number): string =>
  `the quarantine holds ${bytes} of ${bytesMax} bytes: once it is full, only the story of what is refused is kept`

export const damageSentence = (repository: string | null, why: string): string =>
  `nothing is committed${repository === null ? '' : ` to ${displayName(repository)}`}: ${why}`

export const digestSentence = (count: number, since: string, last: string): string =>
  count === 1 ? last : `${count} times since ${since}; the last: ${last}`

export const testSentence = 'this is a test of notification: nothing has happened'
