/** Checks how snapshots are read for all doors: the index, the blobs, the pieces of files. */
import test from 'ava'
import fc from 'fast-check'
import { FormatError } from '../../formats/restic/format-error.js'
import type { Id } from '../../formats/restic/id.js'
import { BlobIndex } from '../../gateway/browse/blob-index.js'
import { BlobCollector } from '../../gateway/browse/blob-segment.js'
import { Blobs } from '../../gateway/browse/blobs.js'
import { BrowsedRepository } from '../../gateway/browse/browsed-repository.js'
import { FileContent } from '../../gateway/browse/file-content.js'
import { sha256 } from '../formats/sealing.js'
import { seededBytes } from '../formats/seeded-bytes.js'
import { WrittenRepository } from '../formats/written-repository.js'

const cacheBytes = 2 ** 20
const pieces = Array.from({ length: 40 }, (_, at) => seededBytes(1000 + 37 * at, at + 1))
const whole = Buffer.concat(pieces)

const openBlobs = (written: WrittenRepository, bytes = cacheBytes): Blobs =>
  new Blobs(written.keyed, new BlobIndex(written.keyed), bytes)

const all = async (parts: AsyncIterable<Buffer>): Promise<Buffer> => {
  const collected: Buffer[] = []
  for await (const part of parts) collected.push(part)
  return Buffer.concat(collected)
}

const dataReads = ({ reads }: WrittenRepository): number =>
  reads.filter(({ name }) => name.startsWith('data/')).length

test('every blob that was told is found where it lies, and no other', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(), { maxLength: 200 }), (numbers) => {
      const collector = new BlobCollector()
      const nameOf = (value: number): Buffer =>
        Buffer.from(sha256(Buffer.from(`${value}`)), 'hex')
      for (const [at, value] of numbers.entries()) {
        if (at % 3 === 0) collector.pack(nameOf(-value))
        collector.blob(nameOf(value), {
          type: value % 2 === 0 ? 'data' : 'tree',
          offset: value,
          length: 33,
          uncompressedLength: at,
        })
      }
      const segment = collector.finish()
      t.is(segment.length, numbers.length)
      for (const [at, value] of numbers.entries()) {
        const pack = nameOf(-(numbers[at - (at % 3)] ?? 0)).toString('hex') as Id
        const type = value % 2 === 0 ? 'data' : 'tree'
        const place = { type, offset: value, length: 33, uncompressedLength: at } as const
        t.deepEqual(segment.find(nameOf(value)), { pack, place })
      }
      t.is(segment.find(nameOf(2 ** 32)), undefined)
    }),
    { numRuns: 30 },
  )
})

test('any range of a file is the bytes that it was', async (t) => {
  const written = new WrittenRepository()
  const { ids } = written.addPack(pieces)
  const content = await FileContent.open(openBlobs(written), Buffer.from(ids.join(''), 'hex'))
  t.is(content.size, whole.length)
  const edges = pieces.map((_, at) =>
    pieces.slice(0, at).reduce((sum, { length }) => sum + length, 0),
  )
  const place = fc.oneof(fc.nat({ max: whole.length }), fc.constantFrom(...edges))
  await fc.assert(
    fc.asyncProperty(place, place, async (one, other) => {
      const [start, end] = one < other ? [one, other] : [other, one]
      t.true((await all(content.read(start, end))).equals(whole.subarray(start, end)))
    }),
  )
  t.is(
    (await all((await FileContent.open(openBlobs(written), Buffer.alloc(0))).read())).length,
    0,
  )
})

test('neighbours in a pack are one read, and a small range reads its own blobs only', async (t) => {
  const written = new WrittenRepository()
  const { ids } = written.addPack(pieces)
  const content = await FileContent.open(openBlobs(written), Buffer.from(ids.join(''), 'hex'))
  t.is(dataReads(written), 0)
  await all(content.read(5000, 5010))
  t.is(dataReads(written), 1)
  t.true((written.reads.at(-1)?.length ?? 0) < 2500)
  await all(content.read())
  t.true(dataReads(written) <= 3)
  await all(content.read())
  t.true(dataReads(written) <= 3)
})

test('a blob that many ask for at once is read once; what the cache cannot hold is read again', async (t) => {
  const written = new WrittenRepository()
  const [id = '' as Id] = written.addPack([seededBytes(5000)]).ids
  const blobs = openBlobs(written)
  await Promise.all(Array.from({ length: 20 }, () => blobs.get(id)))
  t.is(dataReads(written), 1)
  const without = openBlobs(written, 100)
  await without.get(id)
  await without.get(id)
  t.is(dataReads(written), 3)
})

test('a blob of a new index is found; a pack that is gone, or changed, is an error', async (t) => {
  const written = new WrittenRepository()
  const [first = '' as Id] = written.addPack([Buffer.from('first')]).ids
  const blobs = openBlobs(written, 1)
  t.is((await blobs.get(first)).toString(), 'first')
  const { ids, pack, index } = written.addPack([Buffer.from('second')])
  const second = ids[0] as Id
  t.is((await blobs.get(second)).toString(), 'second')
  const bytes = written.stored.get(`data/${pack}`) ?? Buffer.alloc(0)
  written.stored.set(`data/${pack}`, Buffer.from(bytes).fill(0, 20, 21))
  await t.throwsAsync(blobs.get(second), { instanceOf: FormatError, code: 'damaged' })
  written.stored.delete(`data/${pack}`)
  written.stored.delete(`index/${index}`)
  await t.throwsAsync(blobs.get(second), { instanceOf: FormatError, code: 'missing' })
  await t.throwsAsync(blobs.get(sha256(Buffer.from('never'))), { code: 'missing' })
  t.is((await blobs.get(first)).toString(), 'first')
})

test('a pack that was rewritten under a reader is found in its new place', async (t) => {
  const written = new WrittenRepository()
  const { ids, pack, index } = written.addPack([Buffer.from('kept'), Buffer.from('dropped')])
  const kept = ids[0] as Id
  const blobs = openBlobs(written, 1)
  t.is((await blobs.get(kept)).toString(), 'kept')
  written.addPack([Buffer.from('kept')])
  written.stored.delete(`index/${index}`)
  written.stored.delete(`data/${pack}`)
  t.is((await blobs.get(kept)).toString(), 'kept')
})

test('a snapshot is there soon after it came, and gone soon after it went', async (t) => {
  const written = new WrittenRepository()
  let now = 0
  const repository = new BrowsedRepository(written.keyed, () => now)
  const names = async (): Promise<Id[]> => (await repository.snapshots()).map(({ id }) => id)
  const first = written.addSnapshot([])
  t.deepEqual(await names(), [first])
  const second = written.addSnapshot([], { time: '2026-12-01T00:00:00Z' })
  now += 1000
  t.deepEqual(await names(), [second, first])
  t.is((await repository.snapshot(first.slice(0, 8)))?.id, first)
  t.is(await repository.snapshot(''), undefined)
  written.stored.delete(`snapshots/${first}`)
  written.stored.set(`snapshots/${'f'.repeat(64)}`, Buffer.from('damaged'))
  now += 1000
  t.deepEqual(await names(), [second])
})
