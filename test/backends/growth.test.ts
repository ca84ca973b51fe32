/** How the state grows: weeks of ten clients into real files, and what five years come to. */
import test, { type ExecutionContext } from 'ava'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { localArchives } from '../../backends/local/archives.js'
import { openSqliteJournal } from '../../backends/sqlite/sqlite-journal.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { World, data, days, index, lock, minutes, snapshot } from '../fencing/world.js'
import { eventually } from '../end-to-end/harness/wait.js'
import { temporaryFolder } from './temporary-folder.js'

const clientsCount = 10
const packsOfABackup = 30
/** A backup takes an hour. */
const refreshesOfABackup = 12
/** The prune of a week takes away what ten clients' backups of a day have brought. */
const packsOfAPrune = clientsCount * packsOfABackup
const simulatedDays = 14
const fiveYearsDays = 5 * 365.25
const GIB = 2 ** 30

async function backUp(world: World, label: string, user: string): Promise<void> {
  const client = world.client({ user })
  const channel = world.channel()
  await client.begin(`${label}/0`, channel)
  for (let pack = 0; pack < packsOfABackup; pack += 1) {
    await client.post(data(`${label}/${pack}`), channel, { size: 16 * 2 ** 20 })
  }
  for (let refresh = 1; refresh <= refreshesOfABackup; refresh += 1) {
    await client.post(lock(`${label}/${refresh}`), channel)
    await client.delete(lock(`${label}/${refresh - 1}`), channel)
  }
  await client.post(index(label), channel)
  await client.post(snapshot(label), channel)
  await client.delete(lock(`${label}/${refreshesOfABackup}`), channel)
  end(world, channel)
}

async function prune(world: World, label: string): Promise<void> {
  const client = world.client({ user: 'root' })
  const channel = world.channel()
  await client.begin(label, channel)
  await client.post(index(label), channel)
  const packs = world.standing('data/').slice(0, packsOfAPrune)
  for (const old of world.standing('index/')) {
    if (old !== index(label)) await client.delete(old, channel)
  }
  await Promise.all(packs.map((pack) => client.delete(pack, channel)))
  await client.delete(lock(label), channel)
  end(world, channel)
}

function end(world: World, channel: Channel): void {
  world.fence.closed(channel.id, true)
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Answers how many records stand there. */
async function live(t: ExecutionContext, world: World, from: number): Promise<number> {
  for (let day = from; day < from + simulatedDays; day += 1) {
    const backups = Array.from({ length: clientsCount }, (_, number) => {
      return backUp(world, `${day}/${number}`, `user${number}`)
    })
    await Promise.all(backups)
    if (day % 7 === 6) await prune(world, `prune ${day}`)
    world.pass(1 * days)
    await world.fence.tick()
  }
  t.true(world.fence.state.items.size === 0, 'nobody was refused')
  return world.fence.head.position
}

test('ten clients for five years need less than a quarter of a gigabyte', async (t) => {
  t.timeout(5 * minutes)
  const folder = await temporaryFolder(t)
  const file = join(folder, 'journal.sqlite')
  const journal = await openSqliteJournal({ file })
  const world = await World.create({ journal })
  const records = await live(t, world, 0)
  await journal.close()
  const perRecord = (await bytesIn(folder)) / records
  const perBackup = records / (simulatedDays * clientsCount)
  const inFiveYears = (records / simulatedDays) * fiveYearsDays
  t.log(`${perBackup.toFixed(0)} records a backup, ${perRecord.toFixed(0)} bytes a record`)
  t.log(`unsealed, five years: ${((inFiveYears * perRecord) / GIB).toFixed(2)} GiB`)

  const again = await openSqliteJournal({ file })
  const restarted = await World.create({ journal: again })
  const since = performance.now()
  await restarted.restart()
  const perRecordMs = (performance.now() - since) / records
  t.log(`read at a start: ${(perRecordMs * 100_000).toFixed(0)} ms for 100,000 records`)
  const archive = await restarted.fence.seal(localArchives(join(folder, 'archive')))
  await eventually('the file to become smaller', async () => {
    return (await stat(file)).size < (perRecord * records) / 4
  })
  await again.close()
  t.is(archive?.to, records, 'nobody lives any more')
  const archived = (await bytesIn(join(folder, 'archive'))) / records
  const left = (await stat(file)).size
  t.log(`${archived.toFixed(0)} bytes a sealed record; the journal then has ${left} bytes`)
  // 50,000 records and what a sleeper of two weeks holds back may stand in the journal before they are sealed.
  const unsealed = (50_000 + (inFiveYears / fiveYearsDays) * 14) * perRecord
  const sealed = inFiveYears * archived + unsealed
  t.log(`five years: ${inFiveYears.toFixed(0)} records, ${(sealed / GIB).toFixed(3)} GiB`)
  t.true(sealed < GIB / 4)
})
