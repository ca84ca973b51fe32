import test from 'ava'
import {
  environmentSource,
  flagsSource,
  loadSettings,
  SettingsError,
} from '../../config/load.js'
import { flagOf, variableOf } from '../../config/option.js'
import { contradictionsIn, serveOptions, warningsOn } from '../../config/schema.js'

const load = (
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
) =>
  loadSettings(serveOptions, [flagsSource(flags), environmentSource(serveOptions, environment)])

test('without anything the defaults of the schema hold', (t) => {
  t.deepEqual(load({}), {
    path: './data',
    listen: { host: '127.0.0.1', port: 8000 },
    noAuth: false,
    appendOnly: false,
    lockTimeout: 30 * 60_000,
    quarantineMaxSize: 10 * 2 ** 30,
    quarantineMaxAge: 90 * 86_400_000,
    writerMaxAge: 14 * 86_400_000,
    logLevel: 'info',
  })
})

test('a key has one flag and one variable', (t) => {
  t.is(flagOf('quarantineMaxSize'), '--quarantine-max-size')
  t.is(variableOf('quarantineMaxSize'), 'LOCKKEEPER_QUARANTINE_MAX_SIZE')
  t.is(flagOf('noAuth'), '--no-auth')
  t.is(variableOf('noAuth'), 'LOCKKEEPER_NO_AUTH')
})

test('a flag goes before a variable, and a variable before the default', (t) => {
  const environment = { LOCKKEEPER_LOCK_TIMEOUT: '1h', LOCKKEEPER_APPEND_ONLY: 'true' }
  const settings = load({ lockTimeout: '2h' }, environment)
  t.is(settings.lockTimeout, 2 * 3_600_000)
  t.true(settings.appendOnly)
})

test('an empty variable is as good as none', (t) => {
  t.is(load({}, { LOCKKEEPER_LISTEN: '' }).listen.port, 8000)
})

test('all problems are told at once, each under the name that the user wrote', (t) => {
  const error = t.throws(
    () =>
      load(
        { listen: 'nowhere' },
        { LOCKKEEPER_LOCK_TIMEOUT: '30', LOCKKEEPER_NO_AUTH: 'maybe' },
      ),
    { instanceOf: SettingsError },
  )
  const problems = [...error.problems].sort()
  t.is(problems.length, 3)
  t.regex(problems[0] ?? '', /^--listen "nowhere": .*HOST:PORT/)
  t.regex(problems[1] ?? '', /^LOCKKEEPER_LOCK_TIMEOUT "30": .*30m/)
  t.regex(problems[2] ?? '', /^LOCKKEEPER_NO_AUTH "maybe": .*true or false/)
})

test('other machines are let in only with --no-auth, and then it is said aloud', (t) => {
  t.deepEqual(contradictionsIn(load({})), [])
  t.regex(contradictionsIn(load({ listen: ':8000' }))[0] ?? '', /--no-auth/)
  const open = load({ listen: ':8000', noAuth: true })
  t.deepEqual(contradictionsIn(open), [])
  t.regex(warningsOn(open)[0] ?? '', /whoever can reach/)
  t.deepEqual(warningsOn(load({ noAuth: true })), [])
})

test('times that are too short are said aloud', (t) => {
  t.is(warningsOn(load({ lockTimeout: '1m', writerMaxAge: '1h' })).length, 2)
})
