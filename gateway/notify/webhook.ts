/** Tells a webhook, as Standard Webhooks 1.0.0 has it: signed, with an id that stays the same over tries. */
import { createHmac } from 'node:crypto'
import { webhookName, type WebhookSettings } from '../../config/notify-settings.js'
import { digestSentence } from '../operate/words/condition-sentence.js'
import { messageOf } from '../program/fault.js'
import type { Message, Sender } from './message.js'
import { post } from './posting.js'
import { keyOf, signingKeys } from './secrets.js'

export interface SendingOptions {
  readonly now: () => number
  readonly timeoutMs: number
}

export function webhookSender(
  settings: WebhookSettings,
  at: number,
  { now, timeoutMs }: SendingOptions,
): Sender {
  const { url, secret, events } = settings
  const wanted = new Set<string>([...events, 'notify.test'])
  return {
    name: webhookName(settings, at),
    key: keyOf('webhook', url),
    isNewestOnly: false,
    wants: ({ type }) => wanted.has(type),
    deliver: async (message, signal) => {
      let keys: readonly Buffer[]
      try {
        keys = await signingKeys(secret)
      } catch (error) {
        return { kind: 'failed', why: messageOf(error) }
      }
      const body = bodyOf(message)
      const timestamp = String(Math.floor(now() / 1000))
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'lockkeeper',
        'webhook-id': message.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': keys
          .map((key) => sign(key, `${message.id}.${timestamp}.${body}`))
          .join(' '),
      }
      return post({ url, headers, body, timeoutMs, signal })
    },
  }
}

function sign(key: Buffer, text: string): string {
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}

/** The same for each try: what is joined is joined before the first. */
function bodyOf({ notice, count, since }: Message): string {
  const { type, time, sentence, repository, client, position } = notice
  const first = new Date(since).toISOString()
  const text = digestSentence(count, first, sentence)
  const data = { sentence: text, repository, client, position, count, since: first }
  return JSON.stringify({ type, timestamp: new Date(time).toISOString(), data })
}
