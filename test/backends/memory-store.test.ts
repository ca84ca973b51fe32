/** The object store in memory keeps the contract of every store. */
import test from 'ava'
import { memoryStore } from '../../backends/memory/memory-store.js'
import { behaviours, conforms } from '../conformance/object-store.js'

for (const behaviour of Object.keys(behaviours)) {
  test('memory', conforms, async () => memoryStore(), behaviour)
}
