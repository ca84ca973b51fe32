/**
 * Fuzzes what reads restic's files: damaged and hostile bytes are an error of the format, never a crash, a hang or a value
 * that is none. FUZZ_SEED and FUZZ_COUNT choose the inputs, as in http.test.ts.
 */
import test from 'ava'
import fc from 'fast-check'
import { SealingKey } from '../../formats/restic/cipher.js'
import { parseConfig, parseLock, parseSnapshot } from '../../formats/restic/documents.js'
import { FormatError } from '../../formats/restic/format-error.js'
import { unquote } from '../../formats/restic/go-values.js'
import { readIndex } from '../../formats/restic/index-file.js'
import { parseKeyFile } from '../../formats/restic/key-file.js'
import { parsePackHeader, readPackHeader } from '../../formats/restic/pack-header.js'
import { readWhole, type OpenFile } from '../../formats/restic/ports.js'
import { openRepository } from '../../formats/restic/repository.js'
import { parseTree } from '../../formats/restic/tree.js'
import { readUnpacked } from '../../formats/restic/unpacked.js'
import { outlineOf } from '../../formats/restic/zstd-frame.js'
import { fixtureNames, openFixture, readExpected } from '../formats/fixtures.js'
import { PlainReader } from '../formats/reading.js'
import { seal } from '../formats/sealing.js'

const settings = {
  seed: Number(process.env.FUZZ_SEED ?? 1),
  numRuns: Number(process.env.FUZZ_COUNT ?? 1000),
}

/** True if it was read; false if it was refused as it should be. */
const isRead = (read: () => unknown): boolean => {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof FormatError) return false
    throw error
  }
}

/** A few bytes changed, put in or cut out. */
const damaged = (whole: Buffer): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.record({
        at: fc.nat({ max: whole.length - 1 }),
        gone: fc.nat({ max: 4 }),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 4 }),
          fc
            .constantFrom(
              'null',
              '[',
              ']',
              '{',
              '}',
              '"',
              '\\',
              '-1',
              '1e9',
              '99999999999',
              ',',
            )
            .map((text) => Buffer.from(text)),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((edits) =>
      edits.reduce((bytes, { at, gone, put }) => {
        const start = Math.min(at, bytes.length)
        return Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + gone)])
      }, whole),
    )

const compact = (text: string): Buffer => Buffer.from(JSON.stringify(JSON.parse(text)))
const shown = readExpected('v2-0.19')
const first = (texts: Readonly<Record<string, string>>): Buffer =>
  compact(Object.values(texts)[0] ?? '')
const largestTree = Object.values(shown.trees).reduce((one, other) =>
  other.length > one.length ? other : one,
)

/** Reads every entry, each one's name by its own way too. */
const readTree = (text: Buffer): void => {
  const tree = parseTree(text)
  let at = 0
  for (const { name, content } of tree) {
    if (!tree.nameAt(at).equals(name)) throw new Error('one entry, two names')
    if (content.length % 32 !== 0) throw new Error('half of a name')
    if (name.length === 0) throw new Error('an entry without a name')
    at += 1
  }
}

const readEntries = (text: Buffer): void => {
  readIndex(text, {
    pack: (id) => {
      if (id.length !== 32) throw new Error('no name')
    },
    blob: (_, { offset, length }) => {
      if (!Number.isSafeInteger(offset) || length < 32) throw new Error('no place')
    },
  })
}

const readers: Readonly<Record<string, [(text: Buffer) => unknown, Buffer]>> = {
  'a config': [parseConfig, compact(shown.config)],
  'a lock': [parseLock, first(shown.locks)],
  'a snapshot': [parseSnapshot, first(shown.snapshots)],
  'an index': [readEntries, first(shown.indexes)],
  'a tree': [readTree, Buffer.from(largestTree)],
}

for (const [name, [read, whole]] of Object.entries(readers)) {
  test(`${name} that is damaged is refused, or still one`, (t) => {
    t.true(isRead(() => read(whole)))
    let refused = 0
    fc.assert(
      fc.property(damaged(whole), (text) => {
        if (!isRead(() => read(text))) refused += 1
      }),
      settings,
    )
    t.true(refused > 0)
  })

  test(`${name} is nothing that JSON of another shape is`, (t) => {
    fc.assert(
      fc.property(fc.json(), (text) => void isRead(() => read(Buffer.from(text)))),
      settings,
    )
    t.pass()
  })
}

test('random bytes are no key, no name, no frame and no header', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (array, size) => {
      const bytes = Buffer.from(array)
      isRead(() => parseKeyFile(bytes))
      isRead(() => unquote(bytes))
      isRead(() => outlineOf(bytes))
      isRead(() => outlineOf(Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), bytes])))
      isRead(() => parsePackHeader(bytes, size, 'x'))
    }),
    settings,
  )
  t.pass()
})

const fileOf = (bytes: Buffer): OpenFile => ({
  size: bytes.length,
  read: async (start, length) => {
    if (start < 0 || length < 0 || start + length > bytes.length)
      throw new Error('beyond its end')
    return Buffer.from(bytes.subarray(start, start + length))
  },
  close: async () => undefined,
})

test('a pack that is damaged, or says wrong lengths of itself, has no header', async (t) => {
  const key = new SealingKey(Buffer.alloc(64, 5))
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.oneof(fc.constant(undefined), fc.nat({ max: 300 }), fc.nat({ max: 0xffff_ffff })),
      async (blobs, header, claims) => {
        const sealed = seal(key, Buffer.from(header))
        const length = Buffer.alloc(4)
        length.writeUInt32LE(claims ?? sealed.length)
        const pack = fileOf(Buffer.concat([blobs, sealed, length]))
        try {
          const entries = await readPackHeader(pack, key, 'x')
          t.is(
            entries.reduce((sum, entry) => sum + entry.length, 0),
            blobs.length,
          )
        } catch (error) {
          if (!(error instanceof FormatError)) throw error
        }
      },
    ),
    settings,
  )
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(4), Buffer.alloc(36)]) {
    await t.throwsAsync(readPackHeader(fileOf(bytes), key, 'x'), { instanceOf: FormatError })
  }
})

for (const name of fixtureNames) {
  test(`${name}: a byte changed in any file is noticed by what reads it`, async (t) => {
    const repository = await openFixture(name)
    const names = await Promise.all(
      (['index', 'snapshots', 'locks', 'data'] as const).map(async (type) =>
        (await repository.files.list(type)).map(({ id }) => `${type}/${id}` as const),
      ),
    )
    const reader = await PlainReader.open(repository)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names.flat(), 'config' as const),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (changed, at, by) => {
          const whole = await readWhole(repository.files, changed, 2 ** 20)
          const place = at % whole.length
          whole.writeUInt8(whole.readUInt8(place) ^ by, place)
          const files: typeof repository.files = {
            list: repository.files.list,
            open: async (each) =>
              each === changed ? fileOf(whole) : repository.files.open(each),
          }
          const damagedOne = { ...repository, files }
          const read = async (): Promise<void> => {
            if (changed === 'config') {
              await openRepository(files, Buffer.from('correct horse'))
            } else if (changed.startsWith('data/')) {
              const pack = changed.slice(5)
              for (const [id, located] of reader.blobs) {
                if (located.pack === pack) await reader.blob(id, damagedOne)
              }
              await readPackHeader(fileOf(whole), repository.key, pack)
            } else await readUnpacked(files, repository.key, changed)
          }
          await t.throwsAsync(read(), { instanceOf: FormatError }, `${changed} at ${place}`)
        },
      ),
      { ...settings, numRuns: Math.min(settings.numRuns, 60) },
    )
  })
}
