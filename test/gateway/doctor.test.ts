/** What the doctor finds, as the command says it, and what each check says of files that are wrong. */
import { X509Certificate } from 'node:crypto'
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import Database from 'better-sqlite3'
import type { ListenerSettings } from '../../config/listener-settings.js'
import { loadGatewaySettings } from '../../config/gateway-settings.js'
import {
  checkPasswords,
  checkPlace,
  checkProxies,
  checkTls,
} from '../../gateway/operate/doctor/listening.js'
import { checkSpace } from '../../gateway/operate/doctor/folders.js'
import type { Finding } from '../../gateway/operate/doctor/finding.js'
import { tlsFixture } from '../end-to-end/harness/proxy.js'
import { World } from '../end-to-end/harness/world.js'
import { temporaryFolder } from '../backends/temporary-folder.js'
import { objectOf, RestWriter } from './rest-writer.js'

const ask = async (world: World, ...flags: string[]) => {
  const ended = await world.lockkeeper('doctor', ...flags, '--json')
  const { findings } = JSON.parse(ended.stdout) as { findings: readonly Finding[] }
  const problems = findings.filter(({ level }) => level === 'problem')
  return { code: ended.code, findings, problems }
}

const checksOf = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.map(({ check }) => check)),
]

test.serial(
  'a healthy gateway: no problem, running or not, and advice for clients',
  async (t) => {
    const world = await World.open(t)
    const before = await ask(world)
    t.is(before.code, 0)
    t.true(before.findings.some(({ text }) => text === 'no gateway has served it yet'))

    const gateway = await world.gateway()
    await new RestWriter(gateway.port, 'repo', 'one').init()
    const running = await ask(world)
    t.deepEqual([running.code, running.problems], [0, []])
    t.true(running.findings.some(({ text }) => text === 'a gateway is running'))
    t.true(running.findings.some(({ text }) => /chains of 1 repositories hold/.test(text)))
    const wanted = ['space', 'rights', 'clock', 'journal', 'clients', 'file system', 'proxies']
    for (const check of wanted) t.true(checksOf(running.findings).includes(check), check)

    await gateway.stop()
    const text = await world.lockkeeper('doctor', '--listen', `127.0.0.1:${gateway.port}`)
    t.is(text.code, 0)
    t.regex(text.stdout, /^ok +listen +127\.0\.0\.1:\d+ is free$/m)
    t.regex(text.stdout, /^ADVICE +clients +give each run a tag/m)
  },
)

test.serial('a record that was changed is a problem, and the exit code 1', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  const writer = new RestWriter(gateway.port, 'repo', 'one')
  await writer.init()
  await writer.begin()
  await writer.post(objectOf('index', 'an index'))
  await gateway.stop()
  const database = new Database(join(world.repositories, '.lockkeeper', 'journal.sqlite'))
  database.exec(`UPDATE record SET body = replace(body, '"size":8', '"size":9')`)
  database.close()
  const { code, problems } = await ask(world)
  t.is(code, 1)
  t.deepEqual(checksOf(problems), ['journal'])
})

test.serial(
  'settings that cannot be used are told as such, and a state that cannot be had',
  async (t) => {
    const world = await World.open(t)
    const { code, problems } = await ask(world, '--listen', '0.0.0.0:8000')
    t.is(code, 2)
    t.regex(problems[0]?.text ?? '', /can be reached from other machines/)
    const file = world.path('a-file')
    await writeFile(file, '')
    const wrong = await world.lockkeeper('doctor', '--state', join(file, 'state'))
    t.is(wrong.code, 1)
    t.regex(wrong.stdout, /^PROBLEM/m)
  },
)

const listener = (flags: Readonly<Record<string, unknown>>): ListenerSettings => {
  const [first] = loadGatewaySettings({ flags, environment: {} }).settings.listeners
  if (first === undefined) throw new Error('no listener')
  return first
}

const told = (findings: readonly Finding[]): string[] =>
  findings.map(({ level, text }) => `${level}: ${text}`)

test('passwords: what is weak, open to everybody, no user, or goes in the clear', async (t) => {
  const file = join(await temporaryFolder(t), '.htpasswd')
  await writeFile(file, 'ann:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=\nbob:plain\n')
  await chmod(file, 0o644)
  const at = listener({ listen: ['0.0.0.0:8000'], htpasswdFile: file })
  const texts = told(await checkPasswords(at))
  t.is(texts.length, 4)
  for (const part of [
    '"bob" is neither',
    'ann are kept as {SHA}',
    'by everybody',
    'in the clear',
  ])
    t.true(
      texts.some((text) => text.startsWith('warning: ') && text.includes(part)),
      part,
    )
  t.false(texts.join().includes('0DPiKuNI'))

  await writeFile(file, '# nobody\n')
  await chmod(file, 0o600)
  t.deepEqual(told(await checkPasswords(listener({ htpasswdFile: file }))), [
    `problem: ${file} names no user`,
  ])
})

test('TLS: a certificate that has ended or soon will, another key, and one that all may read', async (t) => {
  const [tlsCert, own] = [tlsFixture('server.pem'), tlsFixture('server.key')]
  const tlsKey = join(await temporaryFolder(t), 'server.key')
  await copyFile(own, tlsKey)
  await chmod(tlsKey, 0o600)
  const at = listener({ tls: true, tlsCert, tlsKey })
  const end = Date.parse(new X509Certificate(await readFile(tlsCert)).validTo)
  const day = 24 * 60 * 60_000
  t.regex(told(await checkTls(at, end - 100 * day)).join(), /^ok: .* in 100 days$/)
  t.regex(told(await checkTls(at, end - 20 * day)).join(), /^warning: .* in 20 days$/)
  t.regex(told(await checkTls(at, end + 1)).join(), /^problem: .* expired on/)
  await chmod(tlsKey, 0o644)
  t.regex(told(await checkTls(at, end - 100 * day)).join('\n'), /warning: .*by everybody/)
  const other = listener({ tls: true, tlsCert, tlsKey: tlsFixture('other.key') })
  t.regex(told(await checkTls(other, end - 100 * day)).join('\n'), /problem: .* is not the key/)
})

test('places and proxies: a port that is taken, and a range that is everybody', async (t) => {
  const world = await World.open(t)
  const gateway = await world.gateway()
  const taken = told(await checkPlace(listener({ listen: [`127.0.0.1:${gateway.port}`] })))
  t.regex(taken.join(), /^problem: another program listens/)
  const everybody = listener({ trustedProxy: ['0.0.0.0/0'] })
  t.regex(
    told(checkProxies(everybody)).join(),
    /^warning: .*0\.0\.0\.0\/0 lets nearly everybody/,
  )
  t.regex(told(checkProxies(listener({ trustedProxy: ['10.0.0.0/8'] }))).join(), /^ok: /)
})

test('space: a quarantine that may take more than there is', async (t) => {
  const path = await temporaryFolder(t)
  const findings = await checkSpace({ path, state: join(path, 's'), quarantineMaxSize: 1e18 })
  t.true(findings.every(({ level }) => level !== 'ok'))
})
