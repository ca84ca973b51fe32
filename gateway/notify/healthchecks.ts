/** Pings in the way of Healthchecks: a snapshot is a success, a fenced write a failure; its silence alarms by itself. */
import { healthchecksName, type HealthchecksSettings } from '../../config/notify-settings.js'
import { parseName } from '../operate/admin/names.js'
import type { Notice, Sender } from './message.js'
import { post } from './posting.js'
import { keyOf } from './secrets.js'
import type { SendingOptions } from './webhook.js'

/** What is added to the address; of a test only a line is kept there, and nothing else changes. */
const endings: Readonly<Partial<Record<Notice['type'], string>>> = {
  'snapshot.committed': '',
  'write.fenced': '/fail',
  'write.ambiguous': '/fail',
  'notify.test': '/log',
}

export function healthchecksSender(
  settings: HealthchecksSettings,
  at: number,
  { timeoutMs }: SendingOptions,
): Sender {
  const { url, client } = settings
  const repository =
    settings.repository === undefined ? undefined : parseName(settings.repository)
  return {
    name: healthchecksName(settings, at),
    key: keyOf('healthchecks', url, repository ?? '*', client ?? '*'),
    isNewestOnly: true,
    wants: (notice) => {
      if (notice.type === 'notify.test') return true
      if (endings[notice.type] === undefined) return false
      const isOfRepository = repository === undefined || notice.repository === repository
      return isOfRepository && (client === undefined || notice.client === client)
    },
    deliver: ({ notice }, signal) =>
      post({
        url: addressOf(url, notice),
        headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'lockkeeper' },
        body: notice.sentence,
        ...{ timeoutMs, signal },
      }),
  }
}

function addressOf(template: string, { type, repository, client }: Notice): string {
  const filled = template
    .replaceAll('{repository}', slugOf(repository ?? 'test'))
    .replaceAll('{client}', slugOf(client ?? 'unknown'))
  const url = new URL(filled)
  url.pathname = `${url.pathname.replace(/\/$/, '')}${endings[type] ?? ''}`
  return url.href
}

/** The letters that Healthchecks has in the name of a check. */
function slugOf(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9_-]+/g, '-')
  return slug.replace(/^-+|-+$/g, '').slice(0, 50) || 'root'
}
