import test, { type ExecutionContext } from 'ava'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadGatewaySettings, type LoadedSettings } from '../../config/gateway-settings.js'
import { formatListenPlace } from '../../config/listen-place.js'
import { SettingsError } from '../../config/settings-error.js'
import { fileKeyOf, flagOf, variableOf } from '../../config/option.js'
import { serveOptions } from '../../config/schema.js'

const projectFile = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}`, import.meta.url))

async function fileOf(t: ExecutionContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-settings-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'lockkeeper.yaml')
  await writeFile(file, text)
  return file
}

async function load(
  t: ExecutionContext,
  text: string,
  flags: Readonly<Record<string, unknown>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<LoadedSettings> {
  const config = await fileOf(t, text)
  return loadGatewaySettings({ flags: { ...flags, config }, environment })
}

async function problemOf(t: ExecutionContext, text: string): Promise<string> {
  const config = await fileOf(t, text)
  const asked = { flags: { config }, environment: {} }
  const error = t.throws(() => loadGatewaySettings(asked), { instanceOf: SettingsError })
  return error.problems.join('\n')
}

test('a file goes before the defaults, and variables and flags go before it', async (t) => {
  const text = 'lock-timeout: 1h\nwriter-max-age: 20d\nlog-level: warn\nappend-only: yes\n'
  const environment = { LOCKKEEPER_WRITER_MAX_AGE: '30d' }
  const { settings, said } = await load(t, text, { logLevel: 'error' }, environment)
  t.is(settings.lockTimeout, 3_600_000)
  t.is(settings.writerMaxAge, 30 * 86_400_000)
  t.is(settings.logLevel, 'error')
  t.true(settings.listeners[0]?.isAppendOnly)
  t.regex(said.lockTimeout?.from ?? '', /lockkeeper\.yaml: lock-timeout$/)
})

test('listeners: each says what is its own, and the rest holds for all', async (t) => {
  const { settings } = await load(
    t,
    `
append-only: true
trusted-proxy: 10.0.0.0/8
listeners:
  - listen: [127.0.0.1:1, '[::1]:2']
  - listen: unix:/run/x.sock
    append-only: false
    htpasswd-file: /etc/users
    trusted-proxy: []
`,
  )
  t.deepEqual(
    settings.listeners.map(({ place, isAppendOnly, htpasswdFile, trusted }) => [
      formatListenPlace(place),
      isAppendOnly,
      htpasswdFile,
      trusted.length,
    ]),
    [
      ['127.0.0.1:1', true, undefined, 1],
      ['[::1]:2', true, undefined, 1],
      ['unix:/run/x.sock', false, '/etc/users', 0],
    ],
  )
})

for (const [title, text, words] of [
  [
    'a mistyped key',
    'lock-timout: 5m',
    /"lock-timout" is no setting here; did you mean "lock-timeout"\?/,
  ],
  [
    'a mistyped key of a listener',
    'listeners: [{listen: ":1", apend-only: true}]',
    /listener 1: "apend-only".*"append-only"/,
  ],
  [
    'a key of the whole gateway in a listener',
    'listeners: [{listen: ":1", max-size: 1}]',
    /"max-size" is no setting here/,
  ],
  ['a key said twice', 'path: a\npath: b', /line 2: .*unique/],
  ['no YAML', 'path: [a', /line 1: /],
  ['a value that is none', 'lock-timeout: 5', /lock-timeout "5": .*30m/],
  ['a tree where a word is expected', 'path: {a: b}', /"path" has a value of its own shape/],
  [
    'a listener that is nowhere',
    'listeners: [{append-only: true}]',
    /listener 1 has no "listen"/,
  ],
  [
    'listeners beside a place',
    'listen: :1\nlisteners: [{listen: "127.0.0.1:2"}]',
    /both say where to listen/,
  ],
  ['another file', 'config: other.yaml', /"config" is no setting here/],
  ['an open listener', 'listeners: [{listen: ":8000"}]', /listener :8000: .*--no-auth/],
  ['a list instead of keys', '- a', /its top must be keys/],
  [
    'aliases without end',
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\npath: [*c,*c,*c,*c]`,
    /lias/,
  ],
] as const)
  test(`a file is refused: ${title}`, async (t) => {
    t.regex(await problemOf(t, text), words)
  })

test('a key that is none of ours does not show its value, which may be a secret', async (t) => {
  t.notRegex(await problemOf(t, 'password: hunter2'), /hunter2/)
  t.notRegex(await problemOf(t, 'path: [\npassword: hunter2'), /hunter2/)
})

test('a file that is not there is told as such', (t) => {
  const asked = { flags: { config: '/nowhere/x.yaml' }, environment: {} }
  const error = t.throws(() => loadGatewaySettings(asked), { instanceOf: SettingsError })
  t.regex(error.message, /cannot be read: .*ENOENT/)
})

const example = readFileSync(projectFile('config/example.yaml'), 'utf8')

test('the example loads as it is, and with all that it comments out', async (t) => {
  const { settings } = await load(t, example)
  t.deepEqual(
    settings.listeners.map(({ place }) => formatListenPlace(place)),
    ['[::]:8000', 'unix:/run/lockkeeper.sock'],
  )
  const whole = example
    .replace(/^( *)# ( *)(- )?([a-z0-9-]+: .*)$/gm, '$1$2$3$4')
    .replace(/^listen: .*$/m, '')
  const all = await load(t, whole)
  t.is(all.settings.listeners.length, 3)
  t.is(all.settings.state, '/srv/restic/.lockkeeper')
  t.is(all.settings.repositories.length, 3)
  t.is(all.settings.notify?.webhooks.length, 1)
})

test('the example names every setting of a file', (t) => {
  const missing = Object.keys(serveOptions)
    .map(fileKeyOf)
    .filter((key) => !new RegExp(`^[ #-]*${key}: `, 'm').test(example))
  t.deepEqual(missing, ['config', 'no-verify-upload', 'fuse', 'debug', 'cpu-profile'])
})

test('the table of settings in the documents is the schema', (t) => {
  const text = readFileSync(projectFile('docs/CONFIGURATION.md'), 'utf8').replace(/ +/g, ' ')
  for (const [key, { help, default: standard, argument }] of Object.entries(
    serveOptions as Readonly<
      Record<string, { help: string; default?: string | boolean; argument?: string }>
    >,
  )) {
    const flag = argument === undefined ? flagOf(key) : `${flagOf(key)} ${argument}`
    const usual = standard === undefined || standard === '' ? '' : String(standard)
    const row = `| \`${flag}\` | \`${variableOf(key)}\` | ${usual} | ${help} |`
    t.true(text.includes(row.replace(/ +/g, ' ')), key)
  }
})

test('repositories: each has one place that its password comes from, and who may browse', async (t) => {
  const text = `
repositories:
  laptop: { password-file: /etc/laptop, browse-users: [alice, bob] }
  team/desk: { password-command: 'pass show desk' }
  attic: { password-variable: ATTIC_PASSWORD }
`
  const flags = { passwordFile: ['laptop=/other', 'new=/etc/new'] }
  const { settings } = await load(t, text, flags)
  t.deepEqual(settings.repositories, [
    {
      repository: 'laptop',
      password: { kind: 'file', file: '/other' },
      browsers: ['alice', 'bob'],
    },
    {
      repository: 'team/desk',
      password: { kind: 'command', command: 'pass show desk' },
      browsers: undefined,
    },
    {
      repository: 'attic',
      password: { kind: 'variable', variable: 'ATTIC_PASSWORD' },
      browsers: undefined,
    },
    { repository: 'new', password: { kind: 'file', file: '/etc/new' }, browsers: undefined },
  ])
  const { settings: other } = await load(
    t,
    '',
    {},
    { LOCKKEEPER_PASSWORD_FILE: '=/a,b/c=/d=e' },
  )
  t.deepEqual(
    other.repositories.map(({ repository, password }) => [repository, password]),
    [
      ['', { kind: 'file', file: '/a' }],
      ['b/c', { kind: 'file', file: '/d=e' }],
    ],
  )
})

test('repositories: what is wrong is said, and no value is shown', async (t) => {
  const problem = await problemOf(
    t,
    `
repositories:
  one: { password-fil: s3cret }
  two: { password-file: a, password-command: s3cret }
  three: s3cret
  a/b/c: { password-file: s3cret }
  four: { password-file: [s3cret] }
  five: { password-file: x, browse-users: s3cret }
`,
  )
  t.regex(problem, /"one" has no setting "password-fil"; did you mean "password-file"\?/)
  t.regex(problem, /"two" must have one of password-file, password-command, password-variable/)
  t.regex(problem, /"three" must have keys/)
  t.regex(problem, /"a\/b\/c" is no name of a repository/)
  t.regex(problem, /"four" has a "password-file" that is no word/)
  t.regex(problem, /"five" has "browse-users" that is no list of users/)
  t.notRegex(problem, /s3cret/)
})

for (const flag of ['laptop', 'laptop=', 'a/b/c=/x', '/laptop=/x']) {
  test(`a password file without its repository is refused: ${flag}`, (t) => {
    const asked = { flags: { passwordFile: [flag] }, environment: {} }
    const error = t.throws(() => loadGatewaySettings(asked), { instanceOf: SettingsError })
    t.regex(error.problems.join(), /has its repository before it/)
  })
}

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

test('notify: lists of targets, with the same for all that is not said', async (t) => {
  const text = `
notify:
  webhooks: [{ url: https://hook.example.org/T0/sesame, secret: ${secret} }]
  mail: { server: 'smtp://mail.example.org', from: a@example.org, to: b@example.org, events: [write.fenced] }
  healthchecks: [{ url: 'https://hc-ping.com/tulip', repository: laptop }]
  digest: 1h
`
  const { settings, said } = await load(t, text)
  t.is(settings.notify?.digestMs, 3_600_000)
  t.is(settings.notify?.overdueMs, undefined)
  t.is(settings.notify?.webhooks[0]?.events.length, 9)
  t.deepEqual(settings.notify?.mail?.to, ['b@example.org'])
  t.deepEqual(said.notify?.written, [
    'webhook 1, https://hook.example.org: everything',
    'mail to b@example.org by smtp://mail.example.org: write.fenced',
    'healthchecks 1, https://hc-ping.com: laptop, every client',
    'overdue: by habit',
    'digest: 1h',
  ])
})

for (const [title, text, words] of [
  ['a mistyped key', 'webhook: []', /notify: Unrecognized key: "webhook"/],
  [
    'a secret that is too short',
    'webhooks: [{ url: "https://sesame.org/", secret: whsec_sesame }]',
    /notify\.webhooks\.0\.secret: a secret is "whsec_"/,
  ],
  [
    'no secret',
    'webhooks: [{ url: "https://sesame.org/" }]',
    /webhooks\.0: it must have one of secret, secret-file/,
  ],
  [
    'an unknown event',
    `webhooks: [{ url: "https://sesame.org/", secret: ${secret}, events: [sesame] }]`,
    /events\.0: an event is one of write\.fenced/,
  ],
  [
    'a password in an address',
    'mail: { server: "smtp://me:sesame@mail.org", from: a@b.c, to: d@e.f }',
    /mail\.server: a mail server is like/,
  ],
  [
    'a user without a password',
    'mail: { server: "smtp://mail.org", from: a@b.c, to: d@e.f, user: sesame }',
    /mail: user and password-file need each other/,
  ],
  [
    'an address of another kind',
    'healthchecks: [{ url: "file:///etc/sesame" }]',
    /healthchecks\.0\.url: an address is like/,
  ],
  ['a length of time that is none', 'digest: sesame', /notify\.digest: a length of time/],
] as const)
  test(`notify: ${title} is said, and no value is shown`, async (t) => {
    const problem = await problemOf(t, `notify: { ${text} }`)
    t.regex(problem, words)
    t.notRegex(problem, /sesame|BwcH/)
  })
