/** What checks of Healthchecks and mailboxes receive. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { notifyEvents, type MailSettings } from '../../config/notify-settings.js'
import { openReceiver } from './receiver.js'
import { committed, refused, Scene } from './scene.js'

const all = { repository: undefined, client: undefined }

test('a snapshot is a ping, a fenced write a failure, for each repository and client', async (t) => {
  const [scene, receiver] = [await Scene.open(t), await openReceiver(t)]
  const healthchecks = [
    { url: `${receiver.url}/key/{repository}-{client}?create=1`, ...all },
    { url: `${receiver.url}/uuid/`, repository: 'alice/desk', client: 'ann' },
  ]
  const notifier = await scene.start({ healthchecks })
  scene.record('alice/Lap top', committed())
  await receiver.until(1)
  scene.record('alice/Lap top', committed('data'))
  scene.record('alice/Lap top', refused('bob'))
  await receiver.until(2)
  t.deepEqual(
    receiver.received.map(({ path }) => path),
    ['/key/alice-lap-top-ann?create=1', '/key/alice-lap-top-bob/fail?create=1'],
  )
  t.regex(receiver.received[1]?.body ?? '', /was fenced/)
  scene.record('alice/desk', refused('bob'))
  scene.record('alice/desk', refused('ann'))
  await receiver.until(5)
  const paths = receiver.received.slice(2).map(({ path }) => path)
  t.deepEqual(paths.sort(), [
    '/key/alice-desk-ann/fail?create=1',
    '/key/alice-desk-bob/fail?create=1',
    '/uuid/fail',
  ])
  t.true((await notifier.test()).every(({ arrived }) => arrived))
  const tests = receiver.received.slice(5).map(({ path }) => path)
  t.deepEqual(tests.sort(), ['/key/test-unknown/log?create=1', '/uuid/log'])
})

test('of pings that did not arrive only the newest is sent again', async (t) => {
  const scene = await Scene.open(t)
  const receiver = await openReceiver(t, (at) => ({ status: at < 1 ? 500 : 200 }))
  await scene.start({ healthchecks: [{ url: receiver.url, ...all }] })
  scene.record('laptop', refused('ann'))
  await scene.clock.untilWaiting(5_000, 6_000)
  scene.record('laptop', committed())
  await scene.untilLogged('"told"')
  scene.clock.advance(10_000)
  scene.record('laptop', refused('ann'))
  await scene.untilLogged('"told"', 2)
  t.deepEqual(
    receiver.received.map(({ path }) => path),
    ['/fail', '/', '/fail'],
  )
})

interface Mailbox {
  readonly port: number
  readonly mails: readonly {
    readonly from: string
    readonly to: readonly string[]
    readonly text: string
  }[]
}

const openMailbox = async (
  t: ExecutionContext,
  options: SMTPServerOptions,
): Promise<Mailbox> => {
  const mails: { from: string; to: string[]; text: string }[] = []
  const server = new SMTPServer({
    ...options,
    onData: (stream, { envelope }, done) => {
      void text(stream).then((body) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: body })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  server.listen(0, '0.0.0.0')
  await once(server.server, 'listening')
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.server.address() as AddressInfo).port, mails }
}

const mailTo = (port: number, some: Partial<MailSettings> = {}): MailSettings => ({
  server: `smtp://127.0.0.1:${port}`,
  from: 'lockkeeper@example.org',
  to: ['ops@example.org', 'ann@example.org'],
  ...{ user: undefined, passwordFile: undefined, events: notifyEvents },
  ...some,
})
const plain = { authOptional: true, disabledCommands: ['STARTTLS'], logger: false }

test('a mail says what happened; a name cannot make a header of its own', async (t) => {
  const scene = await Scene.open(t)
  const mailbox = await openMailbox(t, { ...plain, disabledCommands: ['STARTTLS', 'AUTH'] })
  await scene.start({ mail: mailTo(mailbox.port) })
  scene.record('lap\r\nBcc: mallory@example.org\r\ntop', refused('ann\r\n.\r\n'))
  await scene.untilLogged('"told"')
  const [mail] = mailbox.mails
  t.is(mail?.from, 'lockkeeper@example.org')
  t.deepEqual(mail?.to, ['ops@example.org', 'ann@example.org'])
  const words = mail?.text ?? ''
  t.regex(words, /^Subject: Lockkeeper: write\.fenced, lap\\u000d\\u000aBcc/m)
  t.regex(words, /^Message-ID: <msg_[0-9a-f]{24}@lockkeeper>/m)
  t.regex(words, /^Event: write\.fenced/m)
  t.notRegex(words, /^Bcc/m)
})

test('a password is read when it is needed, and a wrong one is told without being shown', async (t) => {
  const scene = await Scene.open(t)
  const right = 'tulip-1637'
  const mailbox = await openMailbox(t, {
    ...{ ...plain, authOptional: false, allowInsecureAuth: true },
    onAuth: ({ username, password }, _session, done) => {
      if (username === 'keeper' && password === right) done(null, { user: 'keeper' })
      else done(new Error(`not ${password ?? ''}`.slice(0, 3)))
    },
  })
  const passwordFile = join(scene.folder, 'password')
  const mail = mailTo(mailbox.port, { user: 'keeper', passwordFile })
  const notifier = await scene.start({ mail })
  t.regex((await notifier.test())[0]?.why ?? '', /password" cannot be read: ENOENT/)
  await writeFile(passwordFile, 'wrong-9876\n')
  const [refusal] = await notifier.test()
  t.false(refusal?.arrived)
  t.notRegex(refusal?.why ?? '', /wrong-9876/)
  await writeFile(passwordFile, `${right}\n`)
  t.deepEqual(await notifier.test(), [
    { target: 'mail to ops@example.org, ann@example.org', arrived: true, why: null },
  ])
  t.is(mailbox.mails.length, 1)
  t.notRegex(scene.log.join(''), /tulip|wrong-9876/)
})

test('a server on this machine needs no certificate', async (t) => {
  const scene = await Scene.open(t)
  const mailbox = await openMailbox(t, { authOptional: true })
  const notifier = await scene.start({ mail: mailTo(mailbox.port) })
  t.like(await notifier.test(), [{ arrived: true }])
})

test('elsewhere nothing is sent, no password either, without TLS that is trusted', async (t) => {
  const scene = await Scene.open(t)
  const heard: unknown[] = []
  const onAuth: SMTPServerOptions['onAuth'] = (auth, _session, done) => {
    heard.push(auth)
    done(null, { user: 'keeper' })
  }
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address
  if (outside === undefined) {
    t.pass('this machine has no address but its own')
    return
  }
  const passwordFile = join(scene.folder, 'password')
  await writeFile(passwordFile, 'tulip-1637\n')
  for (const [options, words] of [
    [{ ...plain, allowInsecureAuth: true, onAuth }, /STARTTLS/],
    [{ onAuth }, /self-signed certificate|certificate has expired/],
  ] as const) {
    const mailbox = await openMailbox(t, options)
    const server = `smtp://${outside}:${mailbox.port}`
    const notifier = await scene.start({
      mail: mailTo(mailbox.port, { server, user: 'keeper', passwordFile }),
    })
    const [answer] = await notifier.test()
    t.false(answer?.arrived)
    t.regex(answer?.why ?? '', words)
    t.deepEqual([mailbox.mails.length, heard.length], [0, 0])
  }
})

test('a mail server that hangs is given up in time', async (t) => {
  const scene = await Scene.open(t)
  const mailbox = await openMailbox(t, { ...plain, onConnect: () => undefined })
  const notifier = await scene.start({ mail: mailTo(mailbox.port) }, { timeoutMs: 200 })
  const [answer] = await notifier.test()
  t.false(answer?.arrived)
  t.regex(answer?.why ?? '', /did not take the mail within 0\.2 s|Greeting never received/)
})
