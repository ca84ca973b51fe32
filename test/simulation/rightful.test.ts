/** The judge of I7 blames what it must, and nothing else; here it is handed true processes and told what they heard. */
import test from 'ava'
import type { WriterId } from '../../fencing/journal/event.js'
import { index } from '../fencing/world.js'
import { Judge } from './judge.js'
import { Contents } from './model.js'
import { Deferral, Rightful } from './rightful.js'
import { Disk } from './stores.js'
import { Subject } from './subject.js'
import { newTally, wrongTooOften } from './tally.js'
import { Time, quiescence } from './time.js'
import type { Gateway } from './gateway.js'

const object = index('new')

interface Court {
  readonly judge: Judge
  readonly rightful: Rightful
  readonly time: Time
  /** A process that has opened, locked and looked when nothing stood in the journal. */
  readonly begin: (command: string, identity?: string) => Subject
}

function court(isJudging = true): Court {
  const time = new Time()
  const judge = new Judge(new Disk(), new Contents(), new Time())
  // A gateway that takes everybody for living.
  const fence = { livingWriters: () => [{ id: 'w-1' }] }
  const fences = { tick: async () => undefined, of: async () => fence }
  const gateway = { run: { fences } } as unknown as Gateway
  const rightful = new Rightful({ judge, time, gateway, isJudging, isStrict: true })
  judge.rightful = rightful
  let count = 0
  const begin = (command: string, identity = ''): Subject => {
    const subject = new Subject(command, (count += 1), false, identity)
    Object.assign(subject, { openedAt: 0, lockedAt: 0, lookedAt: 0, hasLocked: true })
    rightful.began(subject)
    return subject
  }
  return { judge, rightful, time, begin }
}

test('a 503 is blamed where the run is alone, or beside current runs', (t) => {
  const { judge, rightful, begin } = court()
  const backup = begin('backup')
  begin('backup')
  t.is(rightful.companyOf(backup), 'calm')
  rightful.deferred(backup, object)
  t.regex(judge.violation ?? '', /^I7 \(deferred\): backup 1 heard a 503/)
})

test('a 503 is none of its business where connections are hidden', (t) => {
  const { judge, rightful, begin } = court(false)
  rightful.deferred(begin('backup'), object)
  t.is(judge.violation, undefined)
})

test('beside a run that was overtaken a 503 is allowed, unless it is of another user', (t) => {
  const { judge, rightful, begin } = court()
  begin('backup', 'user-1')
  const prune = begin('prune', 'user-2')
  judge.maintenances.push({ position: 5, subject: prune })
  const [neighbour, stranger] = [begin('backup', 'user-1'), begin('backup', 'user-3')]
  Object.assign(neighbour, { openedAt: 6, lockedAt: 6 })
  Object.assign(stranger, { openedAt: 6, lockedAt: 6 })
  t.is(rightful.deferred(neighbour, object), 'overtaken')
  t.is(judge.violation, undefined)
  t.is(rightful.deferred(stranger, object), 'calm')
  t.regex(judge.violation ?? '', /deferred/)
})

test('whoever is overtaken itself may hear anything', (t) => {
  const { judge, rightful, begin } = court()
  const [backup, prune] = [begin('backup'), begin('prune')]
  judge.maintenances.push({ position: 5, subject: prune })
  rightful.deferred(backup, object)
  rightful.refused(backup, object, 'stale')
  t.is(judge.violation, undefined)
})

test('beside a maintenance a run waits for a minute and no longer, or for its next lock if it idled', (t) => {
  for (const [seconds, hasLostConnections, isBlamed] of [
    [59, false, false],
    [61, false, true],
    [299, true, false],
    [500, true, true],
  ] as const) {
    const { judge, rightful, begin } = court()
    const [backup, prune] = [begin('backup'), begin('prune')]
    prune.hasListedData = true
    backup.hasLostConnections = hasLostConnections
    const deferral = new Deferral()
    deferral.add(rightful.deferred(backup, object), 0)
    deferral.end(backup, rightful, seconds * 1000)
    t.is(backup.longestMs, seconds * 1000)
    t.is(judge.violation?.startsWith('I7 (waited)') ?? false, isBlamed)
  }
})

test('a run that nothing overtook is refused only as conflict with what came since its view', (t) => {
  const { judge, rightful, begin } = court()
  const [prune, backup] = [begin('prune'), begin('backup')]
  judge.commits.push({ position: 3, subject: backup, object })
  judge.publishedAt.set(object, 3)
  rightful.refused(prune, object, 'conflict')
  t.is(judge.violation, undefined)
  rightful.refused(backup, object, 'conflict')
  t.regex(judge.violation ?? '', /^I7 \(refused\): backup 2 was told "conflict"/)
})

test('whoever finished is no company after a minute, and a run that was killed is for ever', (t) => {
  const { rightful, time, begin } = court()
  const [finished, killed, backup] = [begin('prune'), begin('prune'), begin('backup')]
  finished.hasListedData = true
  finished.isOver = true
  time.now = 60_000
  t.is(rightful.companyOf(backup), 'maintenance')
  time.now = 80_000
  t.is(rightful.companyOf(backup), 'calm')
  Object.assign(killed, { isOver: true, isDead: true, hasListedData: true })
  t.is(rightful.companyOf(backup), 'overtaken')
})

test('whoever has finished is to be known as ended, unless nothing can tell who unlocked', async (t) => {
  for (const [hasUnlockedAfresh, isListing, isBlamed] of [
    [false, true, true],
    [true, false, true],
    [true, true, false],
  ] as const) {
    const { judge, rightful, time, begin } = court()
    const [backup, other] = [begin('backup'), begin('backup')]
    if (isListing) Object.assign(other, { hasLocked: false, lookedAt: undefined })
    backup.writers.add('w-1' as WriterId)
    Object.assign(backup, { isOver: true, hasUnlockedAfresh })
    rightful.finished(backup)
    while (time.step()) await quiescence()
    t.is(judge.violation?.startsWith('I7 (not ended)') ?? false, isBlamed)
  }
})

test('runs that broke I7 are too many from 4 of 1,000 on, and none are counted where connections are hidden', (t) => {
  const tally = newTally()
  tally.disturbances.gentle.shared.healthy = 999
  tally.wrongRuns.http2 = 4
  t.is(wrongTooOften(tally), undefined, 'too few runs to say')
  tally.disturbances.gentle.users.healthy = 1
  t.is(wrongTooOften(tally), 0.004)
  tally.wrongRuns.http2 = 3
  tally.wrongRuns.hidden = 100
  t.is(wrongTooOften(tally), undefined)
})
