/** Tells by mail, over SMTP: with TLS from the start or STARTTLS, without which only a server on this machine is spoken to. */
import { createTransport } from 'nodemailer'
import { isLoopback } from '../../config/listen-address.js'
import { mailName, type MailSettings } from '../../config/notify-settings.js'
import { digestSentence } from '../operate/words/condition-sentence.js'
import { displayName } from '../operate/admin/names.js'
import { messageOf } from '../program/fault.js'
import { printable } from '../program/printable.js'
import type { Message, Outcome, Sender } from './message.js'
import { keyOf, passwordIn } from './secrets.js'
import type { SendingOptions } from './webhook.js'

export function mailSender(settings: MailSettings, options: SendingOptions): Sender {
  const wanted = new Set<string>([...settings.events, 'notify.test'])
  return {
    name: mailName(settings),
    key: keyOf('mail', settings.server, ...settings.to),
    isNewestOnly: false,
    wants: ({ type }) => wanted.has(type),
    deliver: async (message, signal) => {
      try {
        return await send(settings, message, options.timeoutMs, signal)
      } catch (error) {
        return { kind: 'failed', why: printable(messageOf(error)).slice(0, 500) }
      }
    },
  }
}

async function send(
  { server, from, to, user, passwordFile }: MailSettings,
  message: Message,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const { hostname, port, protocol } = new URL(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  const isSecure = protocol === 'smtps:'
  const transport = createTransport({
    host,
    port: port === '' ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    // One on this machine seldom has a certificate that anybody vouches for, and nobody listens in between.
    ...(isLoopback({ host, port: 0 }) ? { ignoreTLS: true } : { requireTLS: true }),
    ...(user === undefined || passwordFile === undefined
      ? {}
      : { auth: { user, pass: await passwordIn(passwordFile) } }),
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  const sending = transport.sendMail({
    ...{ from, to: [...to], ...wordsOf(message) },
    messageId: `<${message.id}@lockkeeper>`,
  })
  // One that was not waited for ends by itself: each of its steps has a timeout.
  sending.catch(() => undefined)
  const late = giveUp(timeoutMs, signal)
  try {
    await Promise.race([sending, late.promise])
    return { kind: 'arrived' }
  } finally {
    late.cancel()
    transport.close()
  }
}

function giveUp(
  timeoutMs: number,
  signal: AbortSignal,
): { promise: Promise<never>; cancel: () => void } {
  let cancel = (): void => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    const timeout = setTimeout(() => {
      reject(new Error(`it did not take the mail within ${timeoutMs / 1000} s`))
    }, timeoutMs)
    const end = (): void => reject(new Error('the gateway ends'))
    signal.addEventListener('abort', end)
    cancel = () => {
      clearTimeout(timeout)
      signal.removeEventListener('abort', end)
    }
  })
  return { promise, cancel }
}

/** Names are chosen by clients: none of them may begin a line of its own. */
function wordsOf({ notice, count, since }: Message): { subject: string; text: string } {
  const { type, repository, client, sentence, time, position } = notice
  const where = repository === null ? 'the gateway' : displayName(repository)
  const often = count === 1 ? '' : ` (${count} times)`
  const first = new Date(since).toISOString()
  const lines = [
    digestSentence(count, first, sentence),
    '',
    `Event: ${type}`,
    ...(repository === null ? [] : [`Repository: ${displayName(repository)}`]),
    ...(client === null ? [] : [`Client: ${client}`]),
    `Time: ${new Date(time).toISOString()}`,
    ...(position === null ? [] : [`Record: ${position}`]),
  ]
  return {
    subject: printable(`Lockkeeper: ${type}, ${where}${often}`).slice(0, 200),
    text: `${lines.map(printable).join('\n')}\n`,
  }
}
