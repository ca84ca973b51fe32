/** The journal's thread ends when it is asked to, whatever its disk does. */
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import SqliteDatabase from 'better-sqlite3'
import { GroupCommit } from '../../backends/sqlite/group-commit.js'
import type { Reply } from '../../backends/sqlite/messages.js'
import { Statements } from '../../backends/sqlite/statements.js'

const waitMs = 5000

/** The statements of a disk where no transaction can begin. */
class FullDisk extends Statements {
  override begin(): void {
    throw new SqliteDatabase.SqliteError('database or disk is full', 'SQLITE_FULL')
  }
}

test('notes that cannot be recorded do not hold up the close', async (t) => {
  const replies: Reply[] = []
  const ended = new Promise<'ended'>((resolve) => {
    const group = new GroupCommit({
      statements: Object.create(FullDisk.prototype) as Statements,
      file: 'journal.sqlite',
      records: 0,
      makeRoom: () => false,
      noteRecords: () => undefined,
      reply: (reply) => replies.push(reply),
      close: () => undefined,
      end: () => resolve('ended'),
    })
    group.take({ id: 1, kind: 'settle', repository: 'laptop' as never, positions: [1] })
    group.take({ id: 2, kind: 'close' })
    t.teardown(() => group.take({ id: 3, kind: 'close' }))
  })
  t.is(await Promise.race([ended, setTimeout(waitMs, 'still at work')]), 'ended')
  t.deepEqual(replies.at(-1), { id: 2 })
})
