/** Checks each way to verify, to decrypt and to decompress against the others, and against damage. */
import test from 'ava'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { openBlob } from '../../formats/restic/blob.js'
import { SealingKey } from '../../formats/restic/cipher.js'
import {
  addonDecompressor,
  decompress,
  nodeDecompressor,
  wasmDecompressor,
  type Decompressor,
} from '../../formats/restic/decompressor.js'
import { FormatError } from '../../formats/restic/format-error.js'
import { bestMac, javascriptMac, loadSodiumMac, type Mac } from '../../formats/restic/mac.js'
import { parseKeyFile } from '../../formats/restic/key-file.js'
import { openUnpacked } from '../../formats/restic/unpacked.js'
import { outlineOf } from '../../formats/restic/zstd-frame.js'
import { seal, sha256 } from './sealing.js'
import { seededBytes } from './seeded-bytes.js'
import { bomb, zstdFrame } from './zstd-frames.js'

const { compress } = createRequire(import.meta.url)('@mongodb-js/zstd') as {
  compress: (data: Buffer, level?: number) => Promise<Buffer>
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined
const macs: readonly Mac[] = [loadSodiumMac(), javascriptMac].filter(isThere)
const decompressors: readonly Decompressor[] = [
  nodeDecompressor(),
  addonDecompressor(),
  wasmDecompressor,
].filter(isThere)

const anyFormatError = { instanceOf: FormatError } as const
const damage = { instanceOf: FormatError, code: 'damaged' } as const
const tooLarge = { instanceOf: FormatError, code: 'too-large' } as const
const keyOf = (seed: number, mac?: Mac): SealingKey =>
  new SealingKey(seededBytes(64, seed), mac)

test('the prebuilt libraries load here', (t) => {
  t.is(bestMac().name, 'sodium')
  t.is(addonDecompressor()?.name, 'addon')
})

test('a key is taken over: what was handed in is zeroed, and a forgotten key opens nothing', (t) => {
  const bytes = seededBytes(64)
  const key = new SealingKey(bytes)
  t.true(bytes.every((byte) => byte === 0))
  const sealed = seal(key, Buffer.from('content'))
  t.is(key.tryOpen(sealed)?.toString(), 'content')
  key.forget()
  t.is(key.tryOpen(sealed), undefined)
  t.throws(() => new SealingKey(Buffer.alloc(63)), damage)
})

for (const mac of macs) {
  test(`${mac.name}: what was sealed opens, of any length`, (t) => {
    const key = keyOf(1, mac)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
        const content = Buffer.from(array)
        t.deepEqual(key.tryOpen(seal(key, content)), content)
      }),
    )
  })

  test(`${mac.name}: one bit changed anywhere, a cut or another key opens nothing`, (t) => {
    const key = keyOf(1, mac)
    const sealed = seal(key, Buffer.from('some content of more than one block of sixteen'))
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      t.is(key.tryOpen(changed), undefined)
    }
    for (let length = 0; length < sealed.length; length += 1) {
      t.is(key.tryOpen(sealed.subarray(0, length)), undefined)
    }
    t.is(keyOf(2, mac).tryOpen(sealed), undefined)
    t.throws(() => key.open(sealed.subarray(1), 'this'), { ...damage, message: /^this: / })
  })
}

for (const decompressor of decompressors) {
  const { name } = decompressor

  test(`${name}: content of any kind comes out as it went in`, async (t) => {
    const contents = [
      Buffer.from('x'),
      Buffer.alloc(255, 'ab'),
      Buffer.alloc(256, 'ab'),
      Buffer.alloc(70_000, 'abcdefg'),
      seededBytes(300_000),
      Buffer.concat([seededBytes(600_000), Buffer.alloc(2_000_000, 'text ')]),
      Buffer.alloc(8 * 2 ** 20),
    ]
    for (const content of contents) {
      for (const level of [1, 3, 19]) {
        if (level === 19 && content.length > 100_000) continue
        const frame = await compress(content, level)
        const { length } = content
        t.true(
          (await decompress(frame, { length, lengthMax: length }, decompressor)).equals(
            content,
          ),
        )
        t.true((await decompress(frame, { lengthMax: 2 ** 24 }, decompressor)).equals(content))
      }
    }
  })

  test(`${name}: a frame without its content's size is read, known or not`, async (t) => {
    const frame = zstdFrame({
      blocks: [
        { kind: 'raw', bytes: Buffer.from('head') },
        { kind: 'repeated', byte: 65, count: 1000 },
      ],
    })
    const content = Buffer.from(`head${'A'.repeat(1000)}`)
    t.deepEqual(await decompress(frame, { lengthMax: 1_000_000 }, decompressor), content)
    t.deepEqual(
      await decompress(frame, { length: 1004, lengthMax: 1004 }, decompressor),
      content,
    )
    await t.throwsAsync(
      decompress(frame, { length: 1003, lengthMax: 9999 }, decompressor),
      damage,
    )
    await t.throwsAsync(
      decompress(frame, { length: 1005, lengthMax: 9999 }, decompressor),
      damage,
    )
  })

  test(`${name}: damage is an error or the right bytes, never others of another length`, async (t) => {
    const content = Buffer.concat([Buffer.alloc(3000, 'some text '), seededBytes(500)])
    const frame = await compress(content)
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: frame.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, change, isCut) => {
          const changed = isCut ? frame.subarray(0, at) : Buffer.from(frame)
          if (!isCut) changed.writeUInt8(changed.readUInt8(at) ^ change, at)
          const { length } = content
          try {
            const out = await decompress(changed, { length, lengthMax: length }, decompressor)
            t.is(out.length, length)
          } catch (error) {
            if (!(error instanceof FormatError)) throw error
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test(`${name}: a bomb lets out no more than was asked for`, async (t) => {
    const lengthMax = 2 ** 20
    const before = process.memoryUsage().rss
    await t.throwsAsync(decompress(bomb(2 ** 31), { lengthMax }, decompressor), anyFormatError)
    await t.throwsAsync(
      decompress(bomb(2 ** 31, 1000), { lengthMax }, decompressor),
      anyFormatError,
    )
    await t.throwsAsync(
      decompress(bomb(2 ** 24, 2 ** 31), { lengthMax }, decompressor),
      tooLarge,
    )
    await t.throwsAsync(
      decompress(bomb(2 ** 31), { length: 1000, lengthMax: 1000 }, decompressor),
      anyFormatError,
    )
    t.true(process.memoryUsage().rss - before < 200 * 2 ** 20)
  })
}

test('what is not one whole frame is refused', async (t) => {
  const frame = await compress(Buffer.alloc(1000, 'abc'))
  const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), frame])
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('not a frame at all'),
    Buffer.concat([frame, frame]),
    Buffer.concat([frame, Buffer.from('x')]),
    frame.subarray(0, -1),
    skippable,
  ]) {
    t.throws(() => outlineOf(bytes), damage)
  }
  const withDictionary = Buffer.from(frame)
  withDictionary.writeUInt8(withDictionary.readUInt8(4) | 1, 4)
  t.throws(() => outlineOf(withDictionary), { instanceOf: FormatError, code: 'unsupported' })
})

test('a blob comes out only if its MAC, its length and its hash are right', async (t) => {
  const key = keyOf(1)
  const content = Buffer.alloc(5000, 'some text ')
  const id = sha256(content)
  const plain = seal(key, content)
  const packed = seal(key, await compress(content))
  const place = {
    type: 'data',
    offset: 0,
    length: plain.length,
    uncompressedLength: 0,
  } as const
  const packedPlace = { ...place, length: packed.length, uncompressedLength: content.length }
  t.deepEqual(await openBlob(key, { id, place, sealed: plain }), content)
  t.deepEqual(await openBlob(key, { id, place: packedPlace, sealed: packed }), content)

  const other = sha256(Buffer.from('other'))
  await t.throwsAsync(openBlob(key, { id: other, place, sealed: plain }), damage)
  await t.throwsAsync(openBlob(key, { id, place, sealed: plain.subarray(0, -1) }), damage)
  await t.throwsAsync(openBlob(key, { id, place: packedPlace, sealed: plain }), damage)
  await t.throwsAsync(
    openBlob(key, { id, place: { ...packedPlace, uncompressedLength: 4999 }, sealed: packed }),
    damage,
  )
  const claims = { ...packedPlace, uncompressedLength: 2 ** 31 }
  await t.throwsAsync(openBlob(key, { id, place: claims, sealed: packed }), tooLarge)
})

test('a file outside of packs is JSON, compressed or not; the config never is', async (t) => {
  const key = keyOf(1)
  const json = Buffer.from('{"a":1}')
  const options = { name: 'locks/x', lengthMax: 1000 } as const
  const compressed = Buffer.concat([Buffer.of(2), await compress(json)])
  t.deepEqual(await openUnpacked(key, seal(key, json), options), json)
  t.deepEqual(await openUnpacked(key, seal(key, compressed), options), json)
  const unsupported = { instanceOf: FormatError, code: 'unsupported' } as const
  await t.throwsAsync(
    openUnpacked(key, seal(key, compressed), { ...options, name: 'config' }),
    unsupported,
  )
  for (const content of [Buffer.from('\x01x'), Buffer.from('x'), Buffer.alloc(0)]) {
    await t.throwsAsync(openUnpacked(key, seal(key, content), options), unsupported)
  }
  await t.throwsAsync(openUnpacked(key, seal(key, randomBytes(2000)), options), tooLarge)
  const large = Buffer.concat([Buffer.of(2), await compress(Buffer.alloc(5000, '{'))])
  await t.throwsAsync(openUnpacked(key, seal(key, large), options), anyFormatError)
})

test('a key that asks for much more than a person waits for is refused', (t) => {
  const file = { kdf: 'scrypt', N: 32768, r: 8, p: 7, salt: 'AAAA', data: 'AAAA' }
  const parse = (changes: object): unknown =>
    parseKeyFile(Buffer.from(JSON.stringify({ ...file, ...changes })))
  t.notThrows(() => parse({}))
  t.throws(() => parse({ N: 2 ** 24 }), tooLarge)
  t.throws(() => parse({ p: 2 ** 20 }), tooLarge)
  t.throws(() => parse({ r: 2 ** 20 }), tooLarge)
  for (const changes of [{ N: 0 }, { N: 1 }, { N: 1000 }, { r: 0 }, { p: 0 }]) {
    t.throws(() => parse(changes), damage)
  }
  t.throws(() => parse({ kdf: 'argon2' }), { instanceOf: FormatError, code: 'unsupported' })
})
