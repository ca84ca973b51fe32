/** Reads what is said of notification: who is told of what, and how. No secret of it is ever shown. */
import { z } from 'zod'
import { duration } from './option.js'
import { formatDuration } from './duration.js'
import { SettingsError } from './settings-error.js'

/** What can be told. Pings know two more: a snapshot that was committed, and a test. */
export const notifyEvents = [
  'write.fenced',
  'write.ambiguous',
  'quarantine.nearly_full',
  'disk.nearly_full',
  'maintenance.begun',
  'maintenance.ended',
  'maintenance.outside',
  'client.overdue',
  'journal.damaged',
] as const
export type NotifyEvent = (typeof notifyEvents)[number]

/** Files are read whenever something is sent: several words in one are several secrets, while they are changed. */
export type SecretSource = { readonly value: string } | { readonly file: string }

export interface WebhookSettings {
  readonly url: string
  readonly secret: SecretSource
  readonly events: readonly NotifyEvent[]
}

export interface MailSettings {
  readonly server: string
  readonly from: string
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly passwordFile: string | undefined
  readonly events: readonly NotifyEvent[]
}

export interface HealthchecksSettings {
  /** `{repository}` and `{client}` in its path stand for both, as Healthchecks writes names. */
  readonly url: string
  /** Every one where nothing is said. */
  readonly repository: string | undefined
  readonly client: string | undefined
}

export interface NotifySettings {
  readonly webhooks: readonly WebhookSettings[]
  readonly mail: MailSettings | undefined
  readonly healthchecks: readonly HealthchecksSettings[]
  /** Since the last snapshot of a client; by its own habit where nothing is said. */
  readonly overdueMs: number | undefined
  readonly digestMs: number
}

const webhooksMax = 16
const healthchecksMax = 100
const recipientsMax = 20

const word = z.string().min(1, 'it must not be empty')
const oneOrMore = z.preprocess(
  (written) => (typeof written === 'string' ? [written] : written),
  z.array(word).min(1).max(recipientsMax),
)
const events = z
  .array(z.enum(notifyEvents, `an event is one of ${notifyEvents.join(', ')}`))
  .default([...notifyEvents])

const address = (protocols: readonly string[], expected: string): z.ZodType<string> =>
  z.string().refine((text) => {
    if (!URL.canParse(text)) return false
    const { protocol, username, password } = new URL(text)
    return protocols.includes(protocol) && username === '' && password === ''
  }, expected)
const httpAddress = address(
  ['http:', 'https:'],
  'an address is like https://example.org/hook, without a user and a password',
)

/** As Standard Webhooks has them: 24 to 64 bytes. */
export function parseSigningSecret(text: string): Buffer | undefined {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const key = Buffer.from(text.slice('whsec_'.length), 'base64')
  return key.length >= 24 && key.length <= 64 ? key : undefined
}

const webhook = z
  .strictObject({
    url: httpAddress,
    secret: word
      .refine(
        (text) => parseSigningSecret(text) !== undefined,
        'a secret is "whsec_" and 24 to 64 bytes in base64',
      )
      .optional(),
    'secret-file': word.optional(),
    events,
  })
  .transform(({ url, secret, 'secret-file': file, events: told }, context): WebhookSettings => {
    if (secret !== undefined && file === undefined) {
      return { url, secret: { value: secret }, events: told }
    }
    if (file !== undefined && secret === undefined)
      return { url, secret: { file }, events: told }
    context.addIssue({ code: 'custom', message: 'it must have one of secret, secret-file' })
    return z.NEVER
  })

const mail = z
  .strictObject({
    server: address(
      ['smtp:', 'smtps:'],
      'a mail server is like smtp://mail.example.org:587, without a user and a password',
    ),
    from: word,
    to: oneOrMore,
    user: word.optional(),
    'password-file': word.optional(),
    events,
  })
  .transform(({ 'password-file': passwordFile, user, ...rest }, context): MailSettings => {
    if ((user === undefined) !== (passwordFile === undefined)) {
      context.addIssue({ code: 'custom', message: 'user and password-file need each other' })
    }
    return { ...rest, user, passwordFile }
  })

const healthchecks = z
  .strictObject({
    url: httpAddress,
    repository: z.string().optional(),
    client: word.optional(),
  })
  .transform(({ url, repository, client }): HealthchecksSettings => ({
    url,
    repository,
    client,
  }))

const schema = z
  .strictObject({
    webhooks: z.array(webhook).max(webhooksMax).default([]),
    mail: mail.optional(),
    healthchecks: z.array(healthchecks).max(healthchecksMax).default([]),
    overdue: duration.optional(),
    digest: duration.default(10 * 60_000),
  })
  .transform(
    ({ overdue: overdueMs, digest: digestMs, mail: post, ...rest }): NotifySettings => ({
      ...{ ...rest, mail: post, overdueMs, digestMs },
    }),
  )

/** Reads the key `notify` of a file. Throws a SettingsError that names all problems and shows no value. */
export function readNotify(written: unknown, file: string): NotifySettings {
  const read = schema.safeParse(written)
  if (read.success) return read.data
  throw new SettingsError(
    read.error.issues.map(({ path, message }) => {
      return `${file}: ${['notify', ...path.map(String)].join('.')}: ${message}`
    }),
  )
}

/** How each target is called in answers and logs: where it leads, and nothing that lets anybody in. */
export const webhookName = ({ url }: WebhookSettings, at: number): string =>
  `webhook ${at + 1}, ${hostOf(url)}`
export const mailName = ({ to }: MailSettings): string => `mail to ${to.join(', ')}`
export const healthchecksName = ({ url }: HealthchecksSettings, at: number): string =>
  `healthchecks ${at + 1}, ${hostOf(url)}`

/** A path may be a password: those of chats and of Healthchecks are. */
function hostOf(url: string): string {
  return new URL(url).origin
}

/** What is shown of the settings. */
export function describeNotify(notify: NotifySettings): string[] {
  const told = (of: readonly NotifyEvent[]): string =>
    of.length === notifyEvents.length ? 'everything' : of.join(' ')
  const { webhooks, mail: post, healthchecks: pings, overdueMs, digestMs } = notify
  return [
    ...webhooks.map((each, at) => `${webhookName(each, at)}: ${told(each.events)}`),
    ...(post === undefined
      ? []
      : [`${mailName(post)} by ${post.server}: ${told(post.events)}`]),
    ...pings.map((each, at) => {
      const { repository = 'every repository', client = 'every client' } = each
      return `${healthchecksName(each, at)}: ${repository}, ${client}`
    }),
    `overdue: ${overdueMs === undefined ? 'by habit' : formatDuration(overdueMs)}`,
    `digest: ${formatDuration(digestMs)}`,
  ]
}
