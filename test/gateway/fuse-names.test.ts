/** What a path on a mount names, what an answer means to the kernel, and what mountinfo says. */
import test from 'ava'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errnoOfAnswer, errnoOfFault } from '../../gateway/fuse/errno.js'
import { parseGatewayUrl, repositoryPath } from '../../gateway/fuse/gateway-address.js'
import { parseMountInfo } from '../../gateway/fuse/mount-table.js'
import { parsePlace } from '../../gateway/fuse/place.js'
import { PlainPlaces } from '../../gateway/fuse/plain-places.js'
import { parseRepositoryId } from '../../fencing/object.js'
import { refusals } from '../../gateway/rest/refusals.js'

const digest = 'ab'.repeat(32)

test("a path names what restic's layout says", (t) => {
  const place = (path: string) => parsePlace(path, [])
  t.like(place('/'), { kind: 'folder', repository: '' })
  t.like(place('/team/laptop'), { kind: 'folder', repository: 'team/laptop' })
  t.like(place('/laptop/config'), { kind: 'object', repository: 'laptop', object: 'config' })
  t.like(place('/laptop/config-tmp-12'), { kind: 'temporary', object: 'config' })
  t.like(place('/laptop/locks'), { kind: 'type', type: 'locks' })
  t.like(place('/laptop/data/ab'), { kind: 'packs', prefix: 'ab' })
  t.like(place(`/laptop/data/ab/${digest}`), { kind: 'object', object: `data/${digest}` })
  t.like(place(`/laptop/data/ab/${digest}-tmp-7`), {
    kind: 'temporary',
    object: `data/${digest}`,
  })
  t.like(place(`/keys/${digest}`), { kind: 'object', repository: '', object: `keys/${digest}` })
})

test('what is not of the layout names nothing', (t) => {
  const paths = [
    `/laptop/data/cd/${digest}`,
    `/laptop/data/${digest}`,
    `/laptop/data/ab/${digest}/x`,
    `/laptop/keys/${digest}-tmp-`,
    `/laptop/keys/${digest}.partial`,
    '/laptop/keys/README',
    '/laptop/config/x',
    '/a/b/c',
    '/.lockkeeper',
    `/.lockkeeper/keys/${digest}`,
    '/laptop/data/AB',
  ]
  for (const path of paths) t.is(parsePlace(path, []), undefined, path)
})

test('a mount may stand for a folder or a repository of its gateway', (t) => {
  t.like(parsePlace('/', ['laptop']), { kind: 'folder', repository: 'laptop' })
  t.like(parsePlace('/config', ['team', 'laptop']), { repository: 'team/laptop' })
  t.is(parsePlace('/a/b', ['team']), undefined)
})

test('an address says who asks and where', (t) => {
  t.deepEqual(parseGatewayUrl('https://me:p%40ss@host:8000/team/laptop/'), {
    address: {
      origin: 'https://host:8000',
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    },
    basis: ['team', 'laptop'],
  })
  t.deepEqual(parseGatewayUrl('http://host'), { address: { origin: 'http://host' }, basis: [] })
  t.is(parseGatewayUrl('ftp://host/'), undefined)
  const repository = parseRepositoryId(['a b', 'ü'])
  t.not(repository, undefined)
  if (repository !== undefined) t.is(repositoryPath(repository, 'x.1'), '/-/w/x.1/a%20b/%C3%BC')
})

test('what a gateway refuses is the error that DESIGN.md says', (t) => {
  const told = (reason: keyof typeof refusals) => errnoOfAnswer(refusals[reason].status, reason)
  for (const reason of [
    'stale',
    'conflict',
    'unseen',
    'ambiguous',
    'exists',
    'append-only',
  ] as const)
    t.is(told(reason), 'EACCES', reason)
  t.is(told('knocked'), 'EAGAIN')
  t.is(told('wrong-hash'), 'EIO')
  t.is(told('no-space'), 'ENOSPC')
  t.is(told('undecided'), 'EIO')
  t.is(errnoOfAnswer(404, undefined), 'ENOENT')
  t.is(errnoOfFault(Object.assign(new Error('full'), { code: 'ENOSPC' })), 'ENOSPC')
  t.is(errnoOfFault(new Error('anything')), 'EIO')
})

test('the topmost mount of a place comes first, and its name is unescaped', (t) => {
  const entries = parseMountInfo(
    [
      '26 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '41 26 0:38 / /a\\040b rw,nosuid - fuse.sshfs host: rw',
      '42 41 0:39 / /a\\040b rw,nosuid master:2 - fuse.lockkeeper lockkeeper rw',
      '',
    ].join('\n'),
  )
  t.deepEqual(entries.get('/a b'), [
    { type: 'fuse.lockkeeper', source: 'lockkeeper' },
    { type: 'fuse.sshfs', source: 'host:' },
  ])
  t.is(entries.get('/c'), undefined)
})

test('beside repositories lie plain files, and in doubt a folder is a repository', async (t) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-test-')))
  t.teardown(() => rm(root, { recursive: true }))
  const make = async (folder: string, ...names: string[]) => {
    await mkdir(join(root, folder), { recursive: true })
    for (const name of names) await writeFile(join(root, folder, name), '')
  }
  for (const type of ['keys', 'data']) await make(`restic/${type}`)
  await make('restic', 'config', 'notes.txt')
  await make('begun/data')
  await make('borg/data')
  await make('borg', 'config', 'README')
  await make('empty')
  await make('deep/er/still/data')
  await symlink('/etc', join(root, 'link'))
  const places = new PlainPlaces(root)

  t.is(await places.locate('/restic/config'), undefined)
  t.is(await places.locate('/begun/config'), undefined)
  t.is(await places.locate('/empty/data'), undefined, 'it may become a repository')
  t.is(await places.locate('/config'), undefined)
  t.is(await places.locate('/borg/config'), join(root, 'borg/config'))
  await t.throwsAsync(places.locate('/borg/data/0/1'), { code: 'ENOENT' })
  t.is(await places.locate('/deep/er/still/data'), join(root, 'deep/er/still/data'))
  t.is(await places.locate('/letters'), join(root, 'letters'))
  t.true(await places.isRepository('/restic'))
  t.false(await places.isRepository('/borg'))
  t.true(await places.holdsRepository('/restic'))
  t.false(await places.holdsRepository('/deep'))
  await t.throwsAsync(places.locate('/link/passwd'), { code: 'EACCES' })
  await t.throwsAsync(places.locate('/.lockkeeper/journal.sqlite'), { code: 'EACCES' })
})
