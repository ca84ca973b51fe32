import test from 'ava'
import fc from 'fast-check'
import { tagCall, type ClientCall } from '../../gateway/cli/client-call.js'
import { freshTag, tagAddress } from '../../gateway/cli/tagged-address.js'
import { tagPattern } from '../../gateway/program/writer-tag.js'
import { parseTarget } from '../../gateway/rest/target.js'

for (const [address, expected] of [
  ['rest:http://host/repo', 'rest:http://host/-/w/T/repo'],
  ['rest:http://host:8000/a/repo/', 'rest:http://host:8000/-/w/T/a/repo/'],
  ['rest:http://host:8000/', 'rest:http://host:8000/-/w/T/'],
  ['rest:http://host:8000', 'rest:http://host:8000/-/w/T/'],
  ['rest:https://user:p%2Fw@host/repo', 'rest:https://user:p%2Fw@host/-/w/T/repo'],
  ['rest:https://[::1]:8000/repo', 'rest:https://[::1]:8000/-/w/T/repo'],
  ['rest:http+unix:///run/l.sock:/repo/', 'rest:http+unix:///run/l.sock:/-/w/T/repo/'],
  ['rest:http+unix:///run/l.sock:', 'rest:http+unix:///run/l.sock:/-/w/T/'],
  ['rest:http+unix:///run/l.sock', 'rest:http+unix:///run/l.sock:/-/w/T/'],
  ['rest:http://host/-/w/old/repo', 'rest:http://host/-/w/T/repo'],
  ['rest:http+unix:///run/l.sock:/-/w/old/', 'rest:http+unix:///run/l.sock:/-/w/T/'],
  ['/srv/repo', undefined],
  ['local:/srv/repo', undefined],
  ['sftp:user@host:/repo', undefined],
  ['s3:https://host/bucket', undefined],
  ['rclone:remote:repo', undefined],
  ['rest:', undefined],
  ['http://host/repo', undefined],
  ['', undefined],
] as const) {
  test(`addresses: ${address || 'nothing'} gives ${expected ?? 'none with a tag'}`, (t) => {
    t.is(tagAddress(address, 'T'), expected)
  })
}

const part = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,8}$/)
const tag = fc.stringMatching(/^[A-Za-z0-9._~-]{1,64}$/)
const addressParts = fc.record({
  scheme: fc.constantFrom('http', 'https'),
  user: fc.constantFrom('', 'ann@', 'ann:secret@'),
  host: fc.constantFrom('host', '127.0.0.1:8000', '[::1]:80'),
  folders: fc.array(part, { maxLength: 2 }),
})

test('addresses: the gateway reads the tag that was put in, and the same repository', (t) => {
  fc.assert(
    fc.property(addressParts, tag, (parts, name) => {
      const { scheme, user, host, folders } = parts
      const origin = `${scheme}://${user}${host}`
      const path = ['', ...folders, 'config'].join('/')
      const tagged = tagAddress(`rest:${origin}${path}`, name) ?? ''
      t.true(tagged.startsWith(`rest:${origin}/`))
      const target = parseTarget(tagged.slice(`rest:${origin}`.length))
      const plain = parseTarget(path)
      if (plain.kind === 'place') t.deepEqual(target, { ...plain, tag: name })
      else t.is(target.kind, plain.kind)
    }),
  )
})

test('addresses: a second tag takes the place of the first', (t) => {
  fc.assert(
    fc.property(addressParts, tag, tag, ({ scheme, user, host, folders }, first, second) => {
      const address = `rest:${scheme}://${user}${host}/${folders.join('/')}`
      const twice = tagAddress(tagAddress(address, first) ?? '', second)
      t.is(twice, tagAddress(address, second))
    }),
  )
})

test('tags: a fresh one is allowed, and another each time', (t) => {
  const tags = Array.from({ length: 100 }, freshTag)
  t.true(tags.every((one) => tagPattern.test(one)))
  t.is(new Set(tags).size, 100)
})

const address = 'rest:http://host/repo'
const tagged = 'rest:http://host/-/w/T/repo'
const files: Readonly<Record<string, string>> = {
  '/file': `  ${address}\n`,
  '/local': '/srv\n',
}
const call = (words: readonly string[], environment: ClientCall['environment'] = {}) =>
  tagCall({ words, environment }, 'T', (file) => files[file] ?? '')

for (const [title, before, after] of [
  ['-r X', ['-r', address], ['-r', tagged]],
  ['-rX', [`-r${address}`], [`-r${tagged}`]],
  ['-r=X', [`-r=${address}`], [`-r=${tagged}`]],
  ['-qr X', ['-qr', address], ['-qr', tagged]],
  ['-vvrX', [`-vvr${address}`], [`-vvr${tagged}`]],
  ['--repo X', ['--repo', address], ['--repo', tagged]],
  ['--repo=X', [`--repo=${address}`], [`--repo=${tagged}`]],
  ['--from-repo X', ['--from-repo', address], ['--from-repo', tagged]],
  ['--repo2=X', [`--repo2=${address}`], [`--repo2=${tagged}`]],
] as const) {
  test(`words: ${title} gets the tag, before and after the command`, (t) => {
    const first = call(['restic', ...before, 'backup', '/files'])
    t.deepEqual(first.words, ['restic', ...after, 'backup', '/files'])
    const last = call(['restic', 'backup', '/files', ...before])
    t.deepEqual(last.words, ['restic', 'backup', '/files', ...after])
    t.is(first.tagged, 1)
    t.deepEqual(first.untagged, [])
  })
}

test('words: what follows "--" are names of files', (t) => {
  const { words, tagged: count } = call(['restic', 'backup', '--', '-r', address])
  t.deepEqual(words, ['restic', 'backup', '--', '-r', address])
  t.is(count, 0)
})

test('words: other flags are not taken for --repo', (t) => {
  const words = [
    'restic',
    '--retry-lock',
    '5m',
    '--read-data',
    '--repo-x',
    '-o',
    'r=1',
    'check',
  ]
  t.deepEqual(call(words).words, words)
})

for (const [title, words] of [
  ['--repository-file X', ['--repository-file', '/file']],
  ['--repository-file=X', ['--repository-file=/file']],
] as const) {
  test(`words: ${title} becomes a variable, which others cannot read`, (t) => {
    const result = call(['restic', ...words, 'snapshots'])
    t.deepEqual(result.words, ['restic', 'snapshots'])
    t.is(result.environment.RESTIC_REPOSITORY, tagged)
  })
}

test('variables: the address, and a file with it', (t) => {
  const direct = call(['restic'], { RESTIC_REPOSITORY: address, OTHER: 'x' })
  t.deepEqual(direct.environment, { RESTIC_REPOSITORY: tagged, OTHER: 'x' })
  const { environment } = call(['restic'], { RESTIC_REPOSITORY_FILE: '/file' })
  t.is(environment.RESTIC_REPOSITORY, tagged)
  t.is(environment.RESTIC_REPOSITORY_FILE, undefined)
  const from = call(['restic', 'copy', '-r', address], { RESTIC_FROM_REPOSITORY: address })
  t.is(from.environment.RESTIC_FROM_REPOSITORY, tagged)
  t.is(from.tagged, 2)
})

test('variables: a flag goes before them', (t) => {
  const environment = { RESTIC_REPOSITORY: '/srv/other' }
  const result = call(['restic', '-r', address, 'snapshots'], environment)
  t.deepEqual(result.environment, environment)
  t.deepEqual(result.untagged, [])
})

test('what is not at a REST server is left alone and named', (t) => {
  const copy = call(['restic', 'copy', '--from-repo', '/srv', '-r', address])
  t.is(copy.tagged, 1)
  t.deepEqual(copy.untagged, ['/srv'])
  const local = call(['restic'], { RESTIC_REPOSITORY_FILE: '/local' })
  t.is(local.tagged, 0)
  t.deepEqual(local.untagged, ['/srv'])
})

const door = 'http://ann:secret@host:8000/-/dav'
const taggedDoor = 'http://ann:secret@host:8000/-/w/T/-/dav'

for (const [title, remote, environment, after] of [
  [
    'a backend without a name',
    'rclone::webdav:repo',
    { RCLONE_WEBDAV_URL: door },
    { RCLONE_WEBDAV_URL: taggedDoor },
  ],
  [
    'a named remote, in a folder, tagged before',
    'rclone:my-box:folder/repo',
    {
      'RCLONE_CONFIG_MY-BOX_TYPE': 'webdav',
      'RCLONE_CONFIG_MY-BOX_URL': 'https://host/-/w/old/-/dav/deep/',
    },
    {
      'RCLONE_CONFIG_MY-BOX_TYPE': 'webdav',
      'RCLONE_CONFIG_MY-BOX_URL': 'https://host/-/w/T/-/dav/deep/',
    },
  ],
] as const) {
  test(`rclone: ${title} gets the tag where it leads`, (t) => {
    const result = call(['restic', '-r', remote, 'snapshots'], environment)
    t.deepEqual(result.environment, after)
    t.deepEqual(result.words, ['restic', '-r', remote, 'snapshots'])
    t.is(result.tagged, 1)
    t.deepEqual(result.untagged, [])
  })
}

for (const [title, words, environment] of [
  ['a remote of the configuration', ['-r', 'rclone:box:repo'], { RCLONE_WEBDAV_URL: door }],
  ['another kind of remote', ['-r', 'rclone:box:repo'], { RCLONE_CONFIG_BOX_URL: door }],
  [
    'an address in the name',
    ['-r', `rclone::webdav,url="${door}":repo`],
    { RCLONE_WEBDAV_URL: door },
  ],
  ['another address', ['-r', 'rclone::webdav:repo'], { RCLONE_WEBDAV_URL: 'http://host/dav' }],
  [
    'arguments that may say otherwise',
    ['-r', 'rclone::webdav:repo', '-o', 'rclone.args=serve restic --stdio --webdav-url x'],
    { RCLONE_WEBDAV_URL: door },
  ],
] as const) {
  test(`rclone: ${title} is left alone and named`, (t) => {
    const result = call(['restic', ...words, 'snapshots'], environment)
    t.deepEqual(result.environment, environment)
    t.is(result.tagged, 0)
    t.deepEqual(result.untagged, [words[1]])
  })
}
