/** Tells a record of a journal as it was read: in a sentence, or as it is where this version does not know its kind. */
import { parseEvent } from '../../../fencing/journal/event.js'
import { sentenceOf } from './sentence.js'

export function recordSentence(body: string): string {
  try {
    const event = parseEvent(body)
    return event === undefined ? body : sentenceOf(event)
  } catch {
    // It was tampered with: nothing of it can be relied on, so it is shown.
    return body
  }
}
