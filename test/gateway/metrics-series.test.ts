/** The figures of many repositories, as they are written for a monitor. */
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { BackendError, type ObjectStore } from '../../fencing/ports.js'
import { DiskLooks } from '../../gateway/operate/admin/disk-looks.js'
import { BoundedLabel } from '../../gateway/operate/metrics/bounded-label.js'
import { labelText } from '../../gateway/operate/metrics/series.js'
import { WriteCounters } from '../../gateway/operate/metrics/write-counters.js'

test('a label is quoted as Prometheus reads it', (t) => {
  t.is(labelText('repository', 'a/b'), 'repository="a/b"')
  t.is(labelText('client', 'a"\\\nb'), 'client="a\\"\\\\\\nb"')
})

test('a counter begins at 0, grows, and is "other" beyond the bound', (t) => {
  const counters = new WriteCounters(new BoundedLabel(1))
  const name = 'lockkeeper_refused_writes_total'
  const first = counters.text(['a'])
  t.true(first.includes(`# TYPE ${name} counter\n`))
  t.true(first.includes(`${name}{repository="a",verb="upload",reason="stale"} 0\n`))
  counters.refused('a', 'upload', 'stale')
  counters.refused('a', 'upload', 'wrong-hash')
  counters.refused('b', 'upload', 'stale')
  counters.refused('c', 'upload', 'stale')
  counters.deferred('a', 'deletion')
  const text = counters.text(['a', 'b', 'c'])
  t.true(text.includes(`${name}{repository="a",verb="upload",reason="stale"} 1\n`))
  t.true(text.includes(`${name}{repository="a",verb="upload",reason="wrong-hash"} 1\n`))
  t.true(text.includes(`${name}{repository="other",verb="upload",reason="stale"} 2\n`))
  t.true(text.includes('lockkeeper_deferred_writes_total{repository="a",verb="deletion"} 1\n'))
  t.false(text.includes('repository="b"'))
})

/** Of a store, what a look asks. */
const storeOf = (configs: Map<string, boolean>): ObjectStore => {
  const store: Pick<ObjectStore, 'repositories' | 'stat'> = {
    repositories: () => Promise.resolve([...configs.keys()] as RepositoryId[]),
    stat: (repository) => Promise.resolve(configs.get(repository) === true ? 155 : undefined),
  }
  return store as ObjectStore
}

test('what a look at the disk found is believed for a minute', async (t) => {
  const configs = new Map([
    ['a', true],
    ['b', false],
  ])
  let now = 0
  const looks = new DiskLooks(storeOf(configs), { monotonic: () => now })
  t.is(looks.last, undefined)
  await looks.look()
  t.deepEqual(looks.last?.repositories, ['a', 'b'] as RepositoryId[])
  t.deepEqual([...(looks.last?.withConfig ?? [])], ['a'] as RepositoryId[])
  now = 60_000
  t.not(looks.last, undefined)
  now = 60_001
  t.is(looks.last, undefined)
})

test('a look that fails is no look, and the one before is forgotten', async (t) => {
  let isGone = false
  const store: ObjectStore = {
    ...storeOf(new Map([['a', true]])),
    repositories: () =>
      isGone
        ? Promise.reject(new BackendError('unavailable', 'gone'))
        : Promise.resolve(['a' as RepositoryId]),
  }
  const looks = new DiskLooks(store, { monotonic: () => 0 })
  await looks.look()
  t.not(looks.last, undefined)
  isGone = true
  await looks.look()
  t.is(looks.last, undefined)
})
