/** htpasswd files: what is believed, what is refused, and that changes of the file take effect. */
import test from 'ava'
import { compare, hash } from 'bcrypt'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { basicCredentials } from '../../gateway/http/authentication/authenticator.js'
import {
  parsePasswords,
  PasswordFile,
  verifiedForMs,
} from '../../gateway/http/authentication/password-file.js'
import { Turns } from '../../gateway/http/authentication/turns.js'

interface Setting {
  readonly passwords: PasswordFile
  readonly write: (text: string) => Promise<void>
  readonly remove: () => Promise<void>
  readonly problems: string[]
  /** The hashes that bcrypt was asked about. */
  readonly compared: string[]
  pass: (ms: number) => void
}

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
  t.is(await passwords.verify('alice', 'secret'), 'right')
  t.is(await passwords.verify('bob', 'secret'), 'right')
  t.is(await passwords.verify('carol', 'password'), 'right')
  for (const user of ['alice', 'bob', 'carol', 'nobody'])
    t.is(await passwords.verify(user, 'wrong'), 'wrong', user)
})

test('a file that cannot be read at the start stops the start', async (t) => {
  const options = { file: '/nonexistent/.htpasswd', monotonic: () => 0, onProblem: t.log }
  await t.throwsAsync(PasswordFile.open(options), { code: 'ENOENT' })
})

test('a change of the file takes effect, for verified passwords too', async (t) => {
  const { passwords, write, pass } = await open(t, `alice:${await hash('old', 4)}\n`)
  t.is(await passwords.verify('alice', 'old'), 'right')
  await write(`alice:${await hash('new password', 4)}\n`)
  pass(1_001)
  t.is(await passwords.verify('alice', 'old'), 'wrong')
  t.is(await passwords.verify('alice', 'new password'), 'right')
})

test('a file that vanishes leaves its last contents in force, and says so', async (t) => {
  const { passwords, remove, problems, pass } = await open(t, `carol:${sha}\n`)
  await remove()
  pass(1_001)
  t.is(await passwords.verify('carol', 'password'), 'right')
  t.regex(problems.join(), /last contents stay in force/)
})

test('a verified password is believed for a minute, and a wrong one never', async (t) => {
  const { passwords, pass, compared } = await open(t, `alice:${await hash('secret', 4)}\n`)
  const connections = Array.from({ length: 5 }, () => passwords.verify('alice', 'secret'))
  t.deepEqual(await Promise.all(connections), Array<string>(5).fill('right'))
  t.is(compared.length, 1, 'five connections at once cost one check')
  await passwords.verify('alice', 'secret')
  t.is(compared.length, 1, 'believed')
  await passwords.verify('alice', 'wrong')
  await passwords.verify('alice', 'wrong')
  t.is(compared.length, 3, 'checked each time')
  pass(verifiedForMs + 1)
  t.is(await passwords.verify('alice', 'secret'), 'right')
  t.is(compared.length, 4, 'checked again')
})

test('a user that does not exist costs as much as one that does', async (t) => {
  const { passwords, compared } = await open(t, `alice:${await hash('secret', 4)}\n`)
  t.is(await passwords.verify('nobody', 'secret'), 'wrong')
  t.is(compared.length, 1)
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

test('turns: so many at once, so many waiting, and one more is not taken', async (t) => {
  const turns = new Turns(2, 3)
  let running = 0
  let most = 0
  const releases: (() => void)[] = []
  const act = async (): Promise<string> => {
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => releases.push(resolve))
    running -= 1
    return 'done'
  }
  const taken = Array.from({ length: 5 }, () => turns.take(act))
  t.is(await turns.take(act), undefined)
  while (releases.length > 0) {
    releases.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.deepEqual(await Promise.all(taken), ['done', 'done', 'done', 'done', 'done'])
  t.is(most, 2)
})
