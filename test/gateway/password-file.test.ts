/** htpasswd files: what is believed, what is refused, and that changes of the file take effect. */
import test from 'ava'
import { compare, hash } from 'bcrypt'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { basicCredentials } from '../../gateway/http/authentication/authenticator.js'
import { compareOnThread } from '../../gateway/http/authentication/bcrypt-threads.js'
import { FairTurns } from '../../gateway/http/authentication/fair-turns.js'
import {
  parsePasswords,
  PasswordFile,
} from '../../gateway/http/authentication/password-file.js'
import { networkOf } from '../../gateway/http/network.js'

interface Setting {
  readonly passwords: PasswordFile
  readonly write: (text: string) => Promise<void>
  readonly remove: () => Promise<void>
  readonly problems: string[]
  /** The hashes that bcrypt was asked about. */
  readonly compared: string[]
  pass: (ms: number) => void
}

const home = '192.0.2.1'
const sha = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=' // "password"

async function open(
  t: { teardown: (end: () => unknown) => void },
  text: string,
): Promise<Setting> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-htpasswd-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, '.htpasswd')
  const write = (content: string): Promise<void> => writeFile(file, content)
  await write(text)
  let now = 1
  const problems: string[] = []
  const compared: string[] = []
  const passwords = await PasswordFile.open({
    file,
    monotonic: () => now,
    onProblem: (problem) => problems.push(problem),
    compare: (password, hashed) => {
      compared.push(hashed)
      return compare(password, hashed)
    },
  })
  const pass = (ms: number): void => void (now += ms)
  return { passwords, write, remove: () => rm(file), problems, compared, pass }
}

test('bcrypt under both of its names and {SHA} are understood', async (t) => {
  const b = await hash('secret', 4)
  const y = b.replace('$2b$', '$2y$')
  const { passwords } = await open(t, `alice:${b}\nbob:${y}\ncarol:${sha}\n`)
  t.is(await passwords.verify('alice', 'secret', home), 'right')
  t.is(await passwords.verify('bob', 'secret', home), 'right')
  t.is(await passwords.verify('carol', 'password', home), 'right')
  for (const user of ['alice', 'bob', 'carol', 'nobody'])
    t.is(await passwords.verify(user, 'wrong', home), 'wrong', user)
})

test('a file that cannot be read at the start stops the start', async (t) => {
  const options = { file: '/nonexistent/.htpasswd', monotonic: () => 0, onProblem: t.log }
  await t.throwsAsync(PasswordFile.open(options), { code: 'ENOENT' })
})

test('a change of the file takes effect, for verified passwords too', async (t) => {
  const { passwords, write, pass } = await open(t, `alice:${await hash('old', 4)}\n`)
  t.is(await passwords.verify('alice', 'old', home), 'right')
  await write(`alice:${await hash('new password', 4)}\n`)
  pass(1_001)
  t.is(await passwords.verify('alice', 'old', home), 'wrong')
  t.is(await passwords.verify('alice', 'new password', home), 'right')
})

test('a file that vanishes leaves its last contents in force, and says so', async (t) => {
  const { passwords, remove, problems, pass } = await open(t, `carol:${sha}\n`)
  await remove()
  pass(1_001)
  t.is(await passwords.verify('carol', 'password', home), 'right')
  t.regex(problems.join(), /last contents stay in force/)
})

test('a verified password is believed, and a wrong one never', async (t) => {
  const { passwords, pass, compared } = await open(t, `alice:${await hash('secret', 4)}\n`)
  const connections = Array.from({ length: 5 }, () => passwords.verify('alice', 'secret', home))
  t.deepEqual(await Promise.all(connections), Array<string>(5).fill('right'))
  t.is(compared.length, 1, 'five connections at once cost one check')
  await passwords.verify('alice', 'secret', home)
  t.is(compared.length, 1, 'believed')
  await passwords.verify('alice', 'wrong', home)
  await passwords.verify('alice', 'wrong', home)
  t.is(compared.length, 3, 'checked each time')
  pass(7 * 24 * 60 * 60_000)
  t.is(await passwords.verify('alice', 'secret', home), 'right')
  t.is(compared.length, 3, 'believed as long as its line in the file stands')
})

test('a user that does not exist costs as much as one that does', async (t) => {
  const { passwords, compared } = await open(t, `alice:${await hash('secret', 4)}\n`)
  t.is(await passwords.verify('nobody', 'secret', home), 'wrong')
  t.is(compared.length, 1)
})

test('a user that does not exist costs what most cost, and different costs are told', async (t) => {
  const [cheap, usual, other] = [await hash('a', 4), await hash('b', 5), await hash('c', 5)]
  const { passwords, compared, problems } = await open(
    t,
    `alice:${cheap}\nbob:${usual}\ncarol:${other}\n`,
  )
  await passwords.verify('nobody', 'secret', home)
  t.regex(compared[0] ?? '', /^\$2b\$05\$/)
  t.regex(problems.join(), /different costs \(05, 04\).*-C 5/)
  const same = await open(t, `bob:${usual}\ncarol:${other}\n`)
  t.deepEqual(same.problems, [])
})

test('junk lines are problems that are told without their hashes', (t) => {
  const { entries, problems } = parsePasswords(
    ['# a comment', '', 'bad user:x', 'md5:$apr1$secret$stuff', `carol:${sha}`, 'nohash'].join(
      '\r\n',
    ),
  )
  t.deepEqual([...entries.keys()], ['carol'])
  t.is(problems.length, 3)
  t.notRegex(problems.join(), /secret/)
})

test('Basic credentials are read as RFC 7617 has them', (t) => {
  const header = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  t.deepEqual(basicCredentials(header('a:b:c')), { user: 'a', password: 'b:c' })
  t.deepEqual(basicCredentials(header('ä:ö').replace('Basic', 'bASIC')), {
    user: 'ä',
    password: 'ö',
  })
  t.is(basicCredentials(header(':')), undefined, 'restic without credentials sends ":"')
  for (const junk of [undefined, '', 'Basic', 'Basic !!', 'Bearer abc', header('nocolon')])
    t.is(basicCredentials(junk), undefined, junk)
})

test('a login that is known waits behind nobody, and one from elsewhere behind no crowd', async (t) => {
  const { passwords } = await open(t, `alice:${await hash('secret', 4)}\n`)
  t.is(await passwords.verify('alice', 'secret', home), 'right')
  const answers: string[] = []
  for (let at = 0; at < 300; at += 1) {
    const asked = passwords.verify(`nobody-${at}`, 'guess', '198.51.100.1')
    void asked.then((answer) => answers.push(answer))
  }
  t.is(await passwords.verify('alice', 'secret', '198.51.100.1'), 'right')
  t.is(await passwords.verify('alice', 'other', home), 'wrong')
  // What waits is held off for seconds by now.
  t.true(answers.filter((answer) => answer === 'busy').length >= 300 - 16 - 5)
  t.true(answers.filter((answer) => answer === 'wrong').length <= 5)
})

test('passwords are compared on threads of their own', async (t) => {
  const secret = await hash('secret', 4)
  t.true(await compareOnThread('secret', secret))
  t.false(await compareOnThread('guess', secret))
})

interface Act {
  readonly key: string
  readonly end: () => void
}

/** Acts that a test ends, and timers that it lets go off. */
function turnsOf(options: { atOnce: number; waitingMax: number; allWaitingMax: number }): {
  readonly take: (key: string) => Promise<string | undefined>
  readonly turns: FairTurns
  readonly running: Act[]
  readonly timers: (() => void)[]
  readonly endFirst: () => Promise<string>
} {
  const running: Act[] = []
  const timers: (() => void)[] = []
  const turns = new FairTurns({ ...options, timer: (_ms, callback) => timers.push(callback) })
  const take = (key: string): Promise<string | undefined> =>
    turns.take(key, async () => {
      await new Promise<void>((end) => running.push({ key, end }))
      return key
    })
  const endFirst = async (): Promise<string> => {
    const first = running.shift()
    first?.end()
    await new Promise((resolve) => setImmediate(resolve))
    return first?.key ?? 'none'
  }
  return { take, turns, running, timers, endFirst }
}

test('turns: so many at once, so many of a key waiting, and one more is not taken', async (t) => {
  const { take, running, endFirst } = turnsOf({ atOnce: 2, waitingMax: 3, allWaitingMax: 4 })
  const taken = Array.from({ length: 5 }, () => take('a'))
  t.is(await take('a'), undefined, 'of this key')
  taken.push(take('b'))
  t.is(await take('c'), undefined, 'of all')
  await new Promise((resolve) => setImmediate(resolve))
  t.is(running.length, 2)
  const order: string[] = []
  for (let turn = 0; turn < 6; turn += 1) {
    t.true(running.length <= 2)
    order.push(await endFirst())
  }
  t.deepEqual(order, ['a', 'a', 'b', 'a', 'a', 'a'], 'the other key is next')
  t.deepEqual(await Promise.all(taken), ['a', 'a', 'a', 'a', 'a', 'b'])
})

test('turns: a key that is held off lets the others go before it', async (t) => {
  const { take, turns, timers, endFirst } = turnsOf({
    atOnce: 1,
    waitingMax: 9,
    allWaitingMax: 9,
  })
  turns.holdOff('a', 1000)
  const taken = [take('a'), take('b'), take('b')]
  await new Promise((resolve) => setImmediate(resolve))
  t.is(await endFirst(), 'b')
  t.is(await endFirst(), 'b')
  t.is(await endFirst(), 'none')
  for (const goOff of timers) goOff()
  await new Promise((resolve) => setImmediate(resolve))
  t.is(await endFirst(), 'a')
  t.deepEqual(await Promise.all(taken), ['a', 'b', 'b'])
})

test('of IPv6 a whole network counts as one address', (t) => {
  t.is(networkOf('2001:db8::1'), networkOf('2001:db8::ffff:1'))
  t.not(networkOf('2001:db8::1'), networkOf('2001:db8:0:1::1'))
  t.is(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.is(networkOf('192.0.2.1'), '192.0.2.1')
  t.is(networkOf(undefined), 'local')
})
