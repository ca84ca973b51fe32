import test, { type ExecutionContext } from 'ava'
import { loadGatewaySettings, type LoadedSettings } from '../../config/gateway-settings.js'
import { formatListenPlace } from '../../config/listen-place.js'
import { SettingsError } from '../../config/settings-error.js'
import { fileKeyOf, flagOf, variableOf } from '../../config/option.js'

const load = (
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): LoadedSettings => loadGatewaySettings({ flags, environment })

const problemsOf = (
  t: ExecutionContext,
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): string[] => {
  const error = t.throws(() => load(flags, environment), { instanceOf: SettingsError })
  return [...error.problems].sort()
}

test('without anything the defaults of the schema hold', (t) => {
  const { settings, said, warnings } = load({})
  const { listeners, ...rest } = settings
  t.like(rest, {
    path: './data',
    lockTimeout: 30 * 60_000,
    quarantineMaxSize: 10 * 2 ** 30,
    minFree: 256 * 2 ** 20,
    stateReserve: 32 * 2 ** 20,
    quarantineMaxAge: 90 * 86_400_000,
    writerMaxAge: 14 * 86_400_000,
    logLevel: 'info',
  })
  t.is(rest.state, undefined)
  t.deepEqual(listeners, [
    {
      place: { kind: 'address', address: { host: '127.0.0.1', port: 8000 } },
      byCertificate: false,
      allowedHosts: [],
      isAppendOnly: false,
      isPrivate: false,
      trusted: [],
      speaksProxyProtocol: false,
      basePath: '',
      limits: {
        connections: 4096,
        connectionsPerAddress: 512,
        headerTimeoutMs: 15_000,
        waitingLogins: 16,
      },
    },
  ])
  t.deepEqual(warnings, [])
  t.true(Object.values(said).every(({ from }) => from === undefined))
})

test('a key has one flag and one variable', (t) => {
  t.is(flagOf('quarantineMaxSize'), '--quarantine-max-size')
  t.is(variableOf('quarantineMaxSize'), 'LOCKKEEPER_QUARANTINE_MAX_SIZE')
  t.is(flagOf('noAuth'), '--no-auth')
  t.is(variableOf('noAuth'), 'LOCKKEEPER_NO_AUTH')
  t.is(fileKeyOf('noAuth'), 'no-auth')
})

test('a flag goes before a variable, and a variable before the default', (t) => {
  const environment = { LOCKKEEPER_LOCK_TIMEOUT: '1h', LOCKKEEPER_APPEND_ONLY: 'true' }
  const { settings, said } = load({ lockTimeout: '2h' }, environment)
  t.is(settings.lockTimeout, 2 * 3_600_000)
  t.true(settings.listeners[0]?.isAppendOnly)
  t.is(said.lockTimeout?.from, '--lock-timeout')
  t.is(said.appendOnly?.from, 'LOCKKEEPER_APPEND_ONLY')
})

test('an empty variable is as good as none', (t) => {
  t.is(load({}, { LOCKKEEPER_LISTEN: '' }).said.listen?.from, undefined)
})

test('a variable that is not known is said aloud, with the one that was meant', (t) => {
  const { warnings } = load({}, { LOCKKEEPER_LISEN: ':1', LOCKKEEPER_SERVICE_HOST: 'x' })
  t.is(warnings.length, 2)
  t.regex(warnings[0] ?? '', /LOCKKEEPER_LISEN is not known; did you mean LOCKKEEPER_LISTEN\?/)
})

test('several places: one after another, or with commas between', (t) => {
  const places = load({ listen: ['127.0.0.1:1,[::1]:2', 'unix:/run/x.sock'] }).settings
    .listeners
  t.deepEqual(
    places.map(({ place }) => formatListenPlace(place)),
    ['127.0.0.1:1', '[::1]:2', 'unix:/run/x.sock'],
  )
  const ranges = load({ trustedProxy: ['10.0.0.1', 'fd00::/8, 192.0.2.0/24'] }).settings
  t.is(ranges.listeners[0]?.trusted.length, 3)
})

test('all problems are told at once, each under the name that the user wrote', (t) => {
  const problems = problemsOf(
    t,
    { listen: ['nowhere'] },
    { LOCKKEEPER_LOCK_TIMEOUT: '30', LOCKKEEPER_NO_AUTH: 'maybe' },
  )
  t.is(problems.length, 3)
  t.regex(problems[0] ?? '', /^--listen \["nowhere"\]: .*HOST:PORT/)
  t.regex(problems[1] ?? '', /^LOCKKEEPER_LOCK_TIMEOUT "30": .*30m/)
  t.regex(problems[2] ?? '', /^LOCKKEEPER_NO_AUTH "maybe": .*true or false/)
})

test('other machines are let in only with --no-auth or users, and the first is said aloud', (t) => {
  for (const place of [':8000', '192.0.2.1:80', '[::]:80', 'systemd', 'fd:3'])
    t.regex(problemsOf(t, { listen: [place] })[0] ?? '', /--no-auth/, place)
  const open = load({ listen: [':8000'], noAuth: true })
  t.regex(open.warnings[0] ?? '', /whoever can reach/)
  t.deepEqual(load({ noAuth: true }).warnings, [])
  t.deepEqual(load({ listen: [':8000'], htpasswdFile: '/etc/users' }).warnings, [])
  t.deepEqual(load({ listen: ['unix:/run/x.sock', '[::1]:80', 'localhost:80'] }).warnings, [])
})

test('settings that contradict each other are told so', (t) => {
  for (const [flags, words] of [
    [{ noAuth: true, htpasswdFile: '/x' }, /--no-auth asks nobody, and --htpasswd-file/],
    [{ tlsCert: '/x' }, /--tls-cert has a meaning with --tls only/],
    [{ http2: true }, /--http2 has a meaning with --tls only/],
    [{ proxyAuthUsername: 'X-User' }, /--proxy-auth-username believes trusted proxies only/],
    [{ proxyProtocol: true }, /--proxy-protocol believes trusted proxies only/],
    [{ privateRepos: true }, /--private-repos lets in nobody/],
  ] as const)
    t.regex(problemsOf(t, flags).join(), words)
})

test('times that are too short, and what is taken in vain, are said aloud', (t) => {
  t.is(load({ lockTimeout: '1m', writerMaxAge: '1h', noVerifyUpload: true }).warnings.length, 3)
})
