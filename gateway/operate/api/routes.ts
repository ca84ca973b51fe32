/** All addresses of the operator's API. */
import { z } from 'zod'
import { actorOf } from '../identity/operator.js'
import {
  archiveView,
  clientView,
  endedView,
  findingView,
  itemView,
  journalPageView,
  linkView,
  lockView,
  madeTokenView,
  maintenanceView,
  notifyTestView,
  overlayView,
  repositoryView,
  roles,
  settingsView,
  tokenView,
  unfencedView,
  verificationView,
} from '../admin/views.js'
import { eventStream } from './event-stream.js'
import { json, stream, type Route } from './route.js'

const none = z.object({})
const name = z.string().max(4_096)
const reason = z
  .string()
  .max(2_000)
  .refine((text) => text.trim() !== '', 'say why')
  .meta({ description: 'Why it is done; it stands in the journal, beside who did it.' })
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const number = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const flag = z.enum(['true', 'false']).transform((word) => word === 'true')
const kinds = z
  .string()
  .max(500)
  .transform((text) => text.split(','))
  .meta({ description: 'Kinds of events, with commas between.' })

const cursor = z
  .string()
  .regex(/^(?:[0-9a-f]{8}-)?\d{1,15}$/, 'it is no cursor of a journal')
  .meta({ description: 'Where to go on from: the cursor of a record, or `next` of a page.' })

const inRepository = z.object({ repository: name.optional() })
const repositoryParams = z.object({ repository: name })
const itemParams = z.object({ item: name })
const writerParams = z.object({ writer: name })

const filter = {
  repository: name.optional(),
  client: name
    .optional()
    .meta({ description: 'A user; or an address, where nobody was asked for a user.' }),
  kinds: kinds.optional(),
}

const question = z.object({
  ...filter,
  since: time.optional(),
  until: time.optional(),
  direction: z.enum(['forwards', 'backwards']).default('backwards'),
  cursor: cursor.optional(),
  limit: number.pipe(z.number().min(1).max(1_000)).optional(),
})

const bare = { params: none, query: none, body: none, reasons: [] } as const
const looking = { ...bare, method: 'GET', role: 'viewer' } as const
const acting = { ...bare, method: 'POST', role: 'operator' } as const

export { prefix } from './prefix.js'
const pageLimit = 100

const repositories: Route[] = [
  json({
    ...looking,
    path: '/repositories',
    id: 'listRepositories',
    summary: 'All repositories, with their writers, generations and what is in quarantine',
    answer: z.array(repositoryView),
    run: ({ parts }) => parts.admin.status(),
  }),
  json({
    ...looking,
    path: '/repositories/{repository}',
    id: 'showRepository',
    summary: 'One repository',
    params: repositoryParams,
    reasons: ['unknown-repository'],
    answer: z.array(repositoryView),
    run: ({ parts, params }) => parts.admin.status(params.repository),
  }),
  json({
    ...looking,
    path: '/repositories/{repository}/locks',
    id: 'listLocks',
    summary: 'The locks that stand in a repository, and whose each may be',
    params: repositoryParams,
    reasons: ['unknown-repository'],
    answer: z.array(lockView),
    run: ({ parts, params }) => parts.admin.locks(params.repository),
  }),
  json({
    ...looking,
    path: '/repositories/{repository}/maintenances',
    id: 'listMaintenances',
    summary: 'The maintenances that may overtake a writer which lives',
    params: repositoryParams,
    reasons: ['unknown-repository'],
    answer: z.array(maintenanceView),
    run: ({ parts, params }) => parts.admin.maintenances(params.repository),
  }),
  json({
    ...acting,
    path: '/repositories/{repository}/fence',
    id: 'raiseGeneration',
    summary: 'Raises the generation by hand: every writer that runs now is overtaken',
    params: repositoryParams,
    body: z.object({ reason }),
    reasons: ['unknown-repository'],
    answer: z.object({ generation: z.number() }),
    run: async ({ parts, params, body, operator }) => {
      const act = { by: actorOf(operator), reason: body.reason }
      return { generation: await parts.admin.fence(params.repository, act) }
    },
  }),
  json({
    ...looking,
    path: '/clients',
    id: 'listClients',
    summary: 'Who commits snapshots, when last, and whether it is overdue',
    query: inRepository,
    reasons: ['unknown-repository'],
    answer: z.array(clientView),
    run: ({ parts, query }) => parts.admin.clients(query.repository),
  }),
  json({
    ...looking,
    path: '/unfenced',
    id: 'listUnfenced',
    summary: 'What is kept beside the repositories without a fence',
    answer: z.object({ unfenced: unfencedView }),
    run: async ({ parts }) => ({ unfenced: await parts.admin.unfenced() }),
  }),
  json({
    ...acting,
    path: '/writers/{writer}/end',
    id: 'endWriter',
    summary: 'Says that the process of a writer is gone; its locks leave with it',
    params: writerParams,
    reasons: ['unknown-writer', 'already-ended', 'several-match', 'not-carried-out'],
    answer: endedView,
    run: ({ parts, params, operator }) =>
      parts.admin.endWriter(params.writer, actorOf(operator)),
  }),
]

const itemReasons = ['unknown-item', 'several-match'] as const
const actReasons = [...itemReasons, 'already-decided', 'not-carried-out'] as const

const quarantine: Route[] = [
  json({
    ...looking,
    path: '/quarantine',
    id: 'listItems',
    summary: 'What is in quarantine, the oldest first',
    query: inRepository.extend({ whole: flag.optional() }),
    reasons: ['unknown-repository'],
    answer: z.array(itemView),
    run: ({ parts, query }) =>
      parts.admin.items({ repository: query.repository, isWhole: query.whole === true }),
  }),
  json({
    ...looking,
    path: '/quarantine/{item}',
    id: 'showItem',
    summary: 'The story of one item',
    params: itemParams,
    reasons: itemReasons,
    answer: itemView,
    run: ({ parts, params }) => parts.admin.item(params.item),
  }),
  stream({
    ...looking,
    // Its bytes are a part of a repository, which a viewer need not have.
    role: 'operator',
    path: '/quarantine/{item}/bytes',
    id: 'downloadItem',
    summary: 'The exact bytes of an item',
    params: itemParams,
    reasons: [...itemReasons, 'already-decided', 'not-kept'],
    type: 'application/octet-stream',
    run: ({ parts, params }) => parts.admin.bytes(params.item),
  }),
  json({
    ...acting,
    path: '/quarantine/{item}/release',
    id: 'releaseItem',
    summary: 'Commits an item to its repository after all',
    params: itemParams,
    body: z.object({ reason, force: z.boolean().optional() }),
    reasons: [
      ...actReasons,
      ...(['not-kept', 'not-a-pack', 'is-a-lock', 'damaged-bytes', 'never-replaced'] as const),
    ],
    answer: itemView,
    run: ({ parts, params, body, operator }) => {
      const act = { by: actorOf(operator), reason: body.reason, isForced: body.force === true }
      return parts.admin.release(params.item, act)
    },
  }),
  json({
    ...acting,
    path: '/quarantine/{item}/discard',
    id: 'discardItem',
    summary: 'Drops an item and its bytes; its story stays in the journal',
    params: itemParams,
    body: z.object({ reason }),
    reasons: actReasons,
    answer: itemView,
    run: ({ parts, params, body, operator }) =>
      parts.admin.discard(params.item, { by: actorOf(operator), reason: body.reason }),
  }),
  json({
    ...acting,
    path: '/overlays',
    id: 'openOverlay',
    summary:
      'Opens a repository as it would be with some items released, for a client to check',
    body: z.object({ items: z.array(name).min(1).max(1_000) }),
    reasons: [...itemReasons, 'already-decided', 'not-kept', 'is-a-lock', 'no-gateway'],
    answer: overlayView,
    run: ({ parts, body }) => parts.admin.overlay(body.items),
  }),
  json({
    ...looking,
    path: '/overlays/{overlay}',
    id: 'showOverlay',
    summary: 'What a client has read of an overlay',
    params: z.object({ overlay: name }),
    reasons: ['unknown-overlay', 'no-gateway'],
    answer: overlayView,
    run: ({ parts, params }) => parts.admin.overlayOf(params.overlay),
  }),
]

const journal: Route[] = [
  json({
    ...looking,
    path: '/journal',
    id: 'findRecords',
    summary: 'A page of the journals; what was sealed into archives is not among it',
    query: question,
    reasons: ['unknown-repository'],
    answer: journalPageView,
    run: ({ parts, query }) => parts.admin.find({ ...query, limit: query.limit ?? pageLimit }),
  }),
  stream({
    ...looking,
    path: '/journal/events',
    id: 'followRecords',
    summary: 'Follows the journals; Last-Event-ID is the cursor to go on from',
    query: z.object({ ...filter, cursor: cursor.optional() }),
    reasons: ['unknown-repository'],
    type: 'text/event-stream',
    run: async ({ parts, query }, signal, lastEventId) => {
      const from = lastEventId === undefined ? query.cursor : cursor.parse(lastEventId)
      return eventStream({ ...parts, question: { ...query, cursor: from }, signal })
    },
  }),
  stream({
    ...looking,
    path: '/journal/records',
    id: 'readRecords',
    summary: 'Whole journals, archives too, one JSON object a line',
    query: inRepository.extend({
      position: number.optional(),
      time: time.optional(),
      follow: flag.optional(),
    }),
    reasons: ['unknown-repository'],
    type: 'application/x-ndjson',
    run: async ({ parts, query }, signal) => {
      const { repository, position, time: since, follow } = query
      const asked = { repository, position, time: since, isFollowed: follow === true }
      return linesOf(parts.admin.journal(asked, signal))
    },
  }),
  json({
    ...looking,
    path: '/journal/verification',
    id: 'verifyJournals',
    summary: 'Proves the chains of hashes',
    query: inRepository.extend({
      head: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
    }),
    reasons: ['unknown-repository'],
    answer: z.array(verificationView),
    run: ({ parts, query }) => parts.admin.verify(query),
  }),
  json({
    ...acting,
    path: '/journal/archive',
    id: 'archiveJournals',
    summary: 'Seals what no living view leans on into archives',
    body: inRepository,
    reasons: ['unknown-repository'],
    answer: z.array(archiveView),
    run: ({ parts, body }) => parts.admin.archive(body),
  }),
]

const gateway: Route[] = [
  json({
    ...looking,
    path: '/settings',
    id: 'showSettings',
    summary: 'The settings in force, without secrets',
    answer: settingsView,
    run: async ({ parts }) => parts.settings,
  }),
  json({
    ...looking,
    path: '/findings',
    id: 'listFindings',
    summary: 'What the doctor finds',
    answer: z.array(findingView),
    run: async ({ parts }) => [...(await parts.examine())],
  }),
  json({
    ...looking,
    path: '/tokens',
    id: 'listTokens',
    summary: 'The tokens that programs sign in with; never the secrets',
    role: 'operator',
    answer: z.array(tokenView),
    run: ({ parts }) => parts.admin.tokens(),
  }),
  json({
    ...acting,
    path: '/tokens',
    id: 'addToken',
    summary: 'Makes a token; only this answer ever has it',
    body: z.object({ name: z.string().min(1).max(200), role: z.enum(roles) }),
    reasons: ['too-many'],
    answer: madeTokenView,
    run: ({ parts, body, operator }) =>
      parts.admin.addToken({ ...body, by: actorOf(operator) }),
  }),
  json({
    ...acting,
    method: 'DELETE',
    path: '/tokens/{token}',
    id: 'revokeToken',
    summary: 'Revokes a token',
    params: z.object({ token: name }),
    reasons: ['unknown-token'],
    answer: tokenView,
    run: ({ parts, params }) => parts.admin.revokeToken(params.token),
  }),
  json({
    ...acting,
    path: '/notify/test',
    id: 'testNotification',
    summary: 'Sends a test to each target of notification, and says which arrived',
    reasons: ['no-gateway'],
    answer: z.array(notifyTestView),
    run: ({ parts }) => parts.admin.testNotification(),
  }),
  json({
    ...acting,
    path: '/links',
    id: 'makeLink',
    summary: 'Makes a link that signs a browser in, once, within a minute',
    isForSocket: true,
    reasons: ['no-gateway'],
    answer: linkView,
    run: ({ parts, operator }) => parts.admin.link(actorOf(operator)),
  }),
]

export const routes: readonly Route[] = [...repositories, ...quarantine, ...journal, ...gateway]

async function* linesOf(records: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(record)}\n`
}
