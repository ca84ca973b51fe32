/** The pages that show something. */
import { statfs } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { adminReasons } from '../admin/reasons.js'
import { AdminError } from '../admin/admin.js'
import { displayName } from '../admin/names.js'
import { eventKinds } from '../../../fencing/journal/event.js'
import type { Operator } from '../identity/operator.js'
import { checkContent, checkingOf, isReleasable } from './check-page.js'
import { frontContent } from './front-page.js'
import { healthContent } from './health-page.js'
import { itemContent, itemsContent } from './item-page.js'
import { journalContent } from './journal-page.js'
import { writerOf } from './lanes.js'
import { base } from './layout.js'
import type { Room } from './pages.js'
import { repositoryContent } from './repository-page.js'
import { writerContent } from './writer-page.js'

const text = z.string().max(4_096).default('')
const historyMax = 200
const storyMax = 1_000
const pageMax = 100

interface Visit {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly operator: Operator
  readonly mayAct: boolean
}

export function registerViews(room: Room): void {
  const visit =
    (page: (visit: Visit) => Promise<FastifyReply>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const operator = await room.identify(request)
      return page({ request, reply, operator, mayAct: operator.role === 'operator' })
    }
  const { app } = room
  app.get(
    `${base}/`,
    visit((one) => front(room, one)),
  )
  app.get(
    `${base}/repositories/:repository`,
    visit((one) => repository(room, one)),
  )
  app.get(
    `${base}/writers/:writer`,
    visit((one) => writer(room, one)),
  )
  app.get(
    `${base}/items`,
    visit((one) => items(room, one)),
  )
  app.get(
    `${base}/items/:item`,
    visit((one) => item(room, one)),
  )
  app.get(
    `${base}/items/:item/bytes`,
    visit((one) => bytes(room, one)),
  )
  app.get(
    `${base}/items/:item/check`,
    visit((one) => check(room, one)),
  )
  app.get(
    `${base}/journal`,
    visit((one) => journal(room, one)),
  )
  app.get(
    `${base}/health`,
    visit((one) => health(room, one)),
  )
  app.get(
    `${base}/*`,
    visit(async ({ request }) => {
      const message = `there is no page at "${request.url}"`
      throw new AdminError('unknown-address', message)
    }),
  )
}

async function front(
  { parts, show }: Room,
  { request, reply, operator }: Visit,
): Promise<FastifyReply> {
  const { from } = z
    .object({ from: z.coerce.number().int().min(0).default(0) })
    .parse(request.query)
  const [repositories, clients] = await Promise.all([
    parts.admin.status(undefined, true),
    parts.admin.clients(),
  ])
  const free = await freeSpace(parts.places)
  const content = frontContent({ repositories, clients, free, from, now: Date.now() })
  return show(reply, {
    ...{ title: 'Is everything all right?', operator, content },
    ...{ isLive: true, here: `${base}/` },
  })
}

async function freeSpace(
  places: readonly string[],
): Promise<{ readonly place: string; readonly bytes: number }[]> {
  const all = places.map(async (place) => {
    const { bavail, bsize } = await statfs(place)
    return { place, bytes: bavail * bsize }
  })
  const settled = await Promise.allSettled(all)
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

async function repository(
  { parts, show }: Room,
  { request, reply, operator, mayAct }: Visit,
): Promise<FastifyReply> {
  const { repository: name } = z.object({ repository: text }).parse(request.params)
  const { admin } = parts
  const [view] = await admin.status(name)
  if (view === undefined) {
    throw new AdminError('unknown-repository', `there is no repository "${name}"`)
  }
  const isKnown = view.adopted !== null || view.writers.length > 0
  const nothing = { records: [], next: null, anew: false }
  const content = repositoryContent({
    ...{ repository: view, mayAct, now: Date.now() },
    history: await orNothing(nothing, () =>
      admin.find({ repository: view.name, direction: 'backwards', limit: historyMax }),
    ),
    clients: await orNothing([], () => admin.clients(view.name)),
    locks: isKnown ? await orNothing([], () => admin.locks(view.name)) : [],
    maintenances: isKnown ? await orNothing([], () => admin.maintenances(view.name)) : [],
    items: await orNothing([], () => admin.items({ repository: view.name, isWhole: false })),
  })
  return show(reply, { title: displayName(view.name), operator, content, isLive: true })
}

/** A repository without a journal, or one that cannot be read, has a page all the same. */
async function orNothing<T>(nothing: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const code = error instanceof AdminError ? adminReasons[error.reason].code : undefined
    if (code === 'unknown' || code === 'unavailable') return nothing
    throw error
  }
}

async function writer(
  { parts, show }: Room,
  { request, reply, operator, mayAct }: Visit,
): Promise<FastifyReply> {
  const { writer: full } = z.object({ writer: text }).parse(request.params)
  const colon = full.lastIndexOf(':')
  const [name, id] = [full.slice(0, Math.max(0, colon)), full.slice(colon + 1)]
  const [view] = await parts.admin.status(name === '' ? '/' : name)
  const { records } = await parts.admin.find({
    ...{ repository: name === '' ? '/' : name, direction: 'backwards', limit: storyMax },
  })
  const own = records.filter((record) => {
    return writerOf(record) === id || record.sentence.split(/[^\w-]/).includes(id)
  })
  const living = view?.writers.find((one) => one.id === id)
  if (living === undefined && own.length === 0) {
    throw new AdminError('unknown-writer', `nothing is known of a run ${id} any more`)
  }
  const repositoryName = view?.name ?? name
  const content = writerContent({
    ...{ repository: repositoryName, id, writer: living, mayAct },
    records: own.reverse(),
  })
  return show(reply, { title: `Run ${id}`, operator, content, isLive: true })
}

async function items(
  { parts, show }: Room,
  { request, reply, operator }: Visit,
): Promise<FastifyReply> {
  const query = z
    .object({ repository: z.string().optional(), whole: text })
    .parse(request.query)
  const isWhole = query.whole === 'true'
  const found = await parts.admin.items({ repository: query.repository, isWhole })
  const content = itemsContent(found, isWhole)
  const here = `${base}/items`
  return show(reply, { title: 'Quarantine', operator, content, here, isLive: true })
}

async function item(
  { parts, show }: Room,
  { request, reply, operator, mayAct }: Visit,
): Promise<FastifyReply> {
  const { item: id } = z.object({ item: text }).parse(request.params)
  const found = await parts.admin.item(id)
  const content = itemContent({ item: found, mayAct })
  return show(reply, { title: `Item ${found.id}`, operator, content, isLive: true })
}

async function check(
  { parts, show }: Room,
  { request, reply, operator, mayAct }: Visit,
): Promise<FastifyReply> {
  const { item: id } = z.object({ item: text }).parse(request.params)
  const view = await parts.admin.item(id)
  if (!mayAct) throw new AdminError('not-an-operator', 'a check is opened by an operator')
  if (!isReleasable(view)) {
    throw new AdminError('already-decided', `${view.id} is nothing that could be released`)
  }
  const content = checkContent(view, await checkingOf(parts.admin, view))
  const title = `Check ${displayName(view.repository)} with what was refused`
  return show(reply, { title, operator, content, isLive: true })
}

async function bytes(
  { parts }: Room,
  { request, reply, mayAct, operator }: Visit,
): Promise<FastifyReply> {
  const { item: id } = z.object({ item: text }).parse(request.params)
  if (!mayAct) {
    throw new AdminError(
      'not-an-operator',
      `${operator.name} is a viewer, and bytes are for an operator`,
    )
  }
  const found = await parts.admin.item(id)
  const stream = await parts.admin.bytes(id)
  return reply
    .type('application/octet-stream')
    .header('content-disposition', `attachment; filename="${found.id}"`)
    .send(stream)
}

async function journal(
  { parts, show }: Room,
  { request, reply, operator }: Visit,
): Promise<FastifyReply> {
  const query = z
    .object({
      ...{ repository: text, client: text, kind: text, since: text, until: text },
      cursor: z.string().optional(),
    })
    .parse(request.query)
  const { cursor, ...filter } = query
  const page = await parts.admin.find({
    repository: orUndefined(filter.repository),
    client: orUndefined(filter.client),
    kinds: filter.kind === '' ? undefined : [filter.kind],
    since: timeOf(filter.since),
    until: timeOf(filter.until),
    ...{ cursor, direction: 'backwards', limit: pageMax },
  })
  const content = journalContent({
    filter,
    kinds: eventKinds,
    page,
    isLater: cursor !== undefined,
  })
  const here = `${base}/journal`
  const isLive = cursor === undefined
  return show(reply, { title: 'Journal', operator, content, here, isLive })
}

function orUndefined(given: string): string | undefined {
  return given === '' ? undefined : given
}

/** As a browser sends it: 2026-11-24T08:00, here in UTC. */
function timeOf(given: string): number | undefined {
  if (given === '') return undefined
  const time = Date.parse(`${given}Z`)
  if (!Number.isNaN(time)) return time
  throw new AdminError(
    'malformed-question',
    `"${given}" is no time; write it like 2026-11-24T08:00`,
  )
}

async function health(
  { parts, show }: Room,
  { reply, operator, mayAct }: Visit,
): Promise<FastifyReply> {
  const content = healthContent({
    findings: await parts.examine(),
    settings: parts.settings,
    tokens: mayAct ? await parts.admin.tokens() : undefined,
  })
  const here = `${base}/health`
  return show(reply, { title: 'Settings and health', operator, content, here })
}
