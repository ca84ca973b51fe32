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

/** A journal whose space is given back in `parts`, each noted beside the replies. */
class Emptied extends Statements {
  static parts = 3
  static log: string[] = []
  override get isInTransaction(): boolean {
    return false
  }
  override begin(): void {}
  override commit(): void {}
  override rollBack(): void {}
  override rebase(): void {}
  override append(): void {}
  override giveBackPart(): boolean {
    Emptied.log.push('part')
    return (Emptied.parts -= 1) > 0
  }
}

test('space is given back in parts, after the replies, and others come between', async (t) => {
  const { log } = Emptied
  const ended = new Promise<void>((resolve) => {
    const repository = 'laptop' as never
    const append = (id: number): void => {
      group.take({ id, kind: 'append', batch: { repository, records: [], unsettled: [] } })
    }
    const group = new GroupCommit({
      statements: Object.create(Emptied.prototype) as Statements,
      ...{ file: 'journal.sqlite', records: 0, makeRoom: () => false },
      noteRecords: () => undefined,
      reply: ({ id }) => log.push(`reply ${id}`),
      close: () => undefined,
      end: resolve,
    })
    const base = { position: 1, hash: '', text: '' }
    group.take({ id: 1, kind: 'rebase', repository, base, over: [] })
    append(2)
    const beside = setInterval(() => {
      if (log.at(-1) === 'part') append(log.length)
      if (Emptied.parts > 0) return
      clearInterval(beside)
      group.take({ id: 99, kind: 'close' })
    }, 1)
  })
  await ended
  const [first, second, ...rest] = log
  t.deepEqual([first, second], ['reply 1', 'reply 2'])
  t.is(rest.filter((one) => one === 'part').length, 3)
  t.false(rest.join(' ').includes('part part'), rest.join(' '))
})
