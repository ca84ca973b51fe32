/**
 * A process that appends batches until it is killed, and says on its output which positions are durable; or ends after some
 * as a program does that cannot wait any longer.
 */
import { openSqliteJournal } from '../../backends/sqlite/sqlite-journal.js'
import { emptyHead } from '../../fencing/journal/chain.js'
import type { RepositoryId } from '../../fencing/object.js'
import { batchOf, recordsAfter } from '../conformance/records.js'

const [file = '', end] = process.argv.slice(2)
const roundsBeforeExit = 20
const journal = await openSqliteJournal({ file })

/** Four records a batch, each naming its place in it. */
const append = async (repository: RepositoryId): Promise<never> => {
  for (let head = emptyHead; ; head = await journal.head(repository)) {
    const records = recordsAfter(head, '0', '1', '2', '3')
    const first = records[0]?.position ?? 0
    await journal.append(batchOf(repository, records, [first]))
    await journal.settle(repository, [first - 4])
    process.stdout.write(`${repository} ${first + 3}\n`)
    if (end === 'exit' && first > 4 * roundsBeforeExit) process.exit(0)
  }
}

await Promise.all(['a', 'b', 'c'].map((name) => append(name as RepositoryId)))
