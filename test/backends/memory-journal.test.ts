/** The journal in memory keeps the contract of every journal. */
import test from 'ava'
import { memoryJournal } from '../../backends/memory/memory-journal.js'
import { behaviours, conforms } from '../conformance/journal-store.js'

for (const behaviour of Object.keys(behaviours)) {
  test('memory', conforms, async () => memoryJournal(), behaviour)
}
