/** A fault of the disk that no further try mends is told with 403 and its reason; any other invites another try. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'ava'
import { faultOf } from '../../backends/local/faults.js'
import { openLocalStore } from '../../backends/local/local-store.js'
import { sentenceCharactersMax } from '../../fencing/rules/refusal.js'
import { BackendError } from '../../fencing/ports.js'
import * as rest from '../../gateway/rest/refusals.js'
import * as webdav from '../../gateway/webdav/refusals.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { laptop } from '../conformance/journal-store.js'
import { bodyOf } from '../conformance/object-store.js'

const native = (code: string): Error => Object.assign(new Error(code), { code })

for (const [door, { toldOfWriting }] of Object.entries({ rest, webdav })) {
  for (const code of ['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EISDIR']) {
    test(`${door}: ${code} lasts`, (t) => {
      const told = toldOfWriting(faultOf(native(code), 'staging "/srv/secret/place"'))
      t.is(told.status, 403)
      t.regex(told.sentence, new RegExp(`cannot be written: .*\\(${code}\\)`))
      t.notRegex(told.sentence, /secret/, 'no path of the server')
      t.true(told.sentence.length <= sentenceCharactersMax)
    })
  }

  test(`${door}: what may be well again is tried again`, (t) => {
    for (const code of ['EIO', 'ESTALE', 'EMFILE', 'ENOENT'])
      t.is(toldOfWriting(faultOf(native(code), 'staging')).status, 503, code)
    t.is(toldOfWriting(faultOf(native('EDQUOT'), 'staging')).status, 507)
    t.is(toldOfWriting(new BackendError('corrupt', 'the journal')).status, 503)
  })
}

test('a link or a file in a folder’s place is told so', async (t) => {
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  const stage = async (): Promise<ReturnType<typeof rest.toldOfWriting>> => {
    const failed = store.stage(laptop, 'a', bodyOf(Buffer.from('x')), undefined, undefined)
    return rest.toldOfWriting(await t.throwsAsync(failed, { instanceOf: BackendError }))
  }
  await mkdir(join(root, 'elsewhere'))
  await mkdir(dirname(join(root, laptop)), { recursive: true })
  await symlink(join(root, 'elsewhere'), join(root, laptop))
  t.like(await stage(), { status: 403 })
  t.regex((await stage()).sentence, /symbolic link/)
})

test('a file where staging belongs is told so', async (t) => {
  const root = await temporaryFolder(t)
  const store = await openLocalStore({ root })
  await store.create(laptop)
  await mkdir(join(root, '.lockkeeper'))
  await writeFile(join(root, '.lockkeeper', 'staging'), '')
  const failed = store.stage(laptop, 'a', bodyOf(Buffer.from('x')), undefined, undefined)
  const told = rest.toldOfWriting(await t.throwsAsync(failed, { instanceOf: BackendError }))
  t.is(told.status, 403)
  t.regex(told.sentence, /ENOTDIR/)
})
