/** The pages on which something is done: each asks first, in words that say what it means. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AdminError } from '../admin/admin.js'
import type { ItemView } from '../admin/views.js'
import { actorOf, type Operator } from '../identity/operator.js'
import { actContent, type ActView } from './act-page.js'
import { checkingOf, isReleasable } from './check-page.js'
import { base } from './layout.js'
import type { Room } from './pages.js'
import { itemAddress, repositoryAddress } from './words.js'

interface Act {
  readonly path: string
  readonly ask: (room: Room, id: string) => Promise<Asked>
  readonly run: (room: Room, id: string, how: How) => Promise<unknown>
}

type Asked = Omit<ActView, 'proof' | 'address' | 'problem' | 'reason'> & {
  readonly title: string
}

interface How {
  readonly by: string
  readonly reason: string
  readonly isForced: boolean
}

const acts: readonly Act[] = [
  {
    path: `${base}/items/:id/release`,
    ask: async ({ parts }, id) => {
      const item = await parts.admin.item(id)
      const isChecked =
        isReleasable(item) && (await checkingOf(parts.admin, item)).overlay.proof !== null
      return askToRelease(item, isChecked)
    },
    run: ({ parts }, id, how) => parts.admin.release(id, how),
  },
  {
    path: `${base}/items/:id/discard`,
    ask: async ({ parts }, id) => askToDiscard(await parts.admin.item(id)),
    run: ({ parts }, id, how) => parts.admin.discard(id, how),
  },
  {
    path: `${base}/writers/:id/end`,
    ask: async (_room, id) => ({
      title: `End the run ${id}?`,
      meaning:
        'Say this only once you know that its process is gone. Its locks leave the repository with it. ' +
        'A living run that is taken for ended can damage the repository; one that is heard of again is revived.',
      verb: 'Its process is gone',
      back: `${base}/writers/${encodeURIComponent(id)}`,
      needsReason: false,
    }),
    run: ({ parts }, id, { by }) => parts.admin.endWriter(id, by),
  },
  {
    path: `${base}/repositories/:id/fence`,
    ask: async (_room, id) => ({
      title: `Raise the generation of ${id}?`,
      meaning:
        "To be done after the repository was changed behind the gateway's back: restored, rolled back, or pruned straight " +
        'on the folder. Every run that goes on now is then overtaken: what it still writes is quarantined.',
      verb: 'Raise the generation',
      back: repositoryAddress(id),
      needsReason: true,
    }),
    run: ({ parts }, id, { by, reason }) => parts.admin.fence(id, { by, reason }),
  },
]

function askToRelease(item: ItemView, isChecked: boolean): Asked {
  const { id, repository, object } = item
  const isPack = object.startsWith('data/')
  return {
    title: `Release ${id}?`,
    meaning: isPack
      ? 'It is committed to its repository. It is a pack, which nothing names: harmless, and the next prune may take it.'
      : isChecked
        ? 'It is committed to its repository. A check has read the repository with it: release it only if you saw that check pass.'
        : 'It is committed to its repository, and may name contents that a prune has deleted since. Check the repository with it first.',
    verb: 'Release it',
    back: itemAddress(repository, id),
    needsReason: true,
    ...(isPack || isChecked
      ? {}
      : {
          force:
            'I know better, and run "restic check" at once: release what cannot be proved.',
        }),
  }
}

function askToDiscard({ id, repository }: ItemView): Asked {
  return {
    title: `Discard ${id}?`,
    meaning:
      'Its bytes are dropped for good; its story stays in the journal. What it was to save is saved again when the client runs again.',
    verb: 'Discard it',
    back: itemAddress(repository, id),
    needsReason: true,
  }
}

const idParams = z.object({ id: z.string().max(4_096) })
const form = z.object({
  reason: z.string().max(2_000).default(''),
  force: z.string().optional(),
})

export function registerActs(room: Room): void {
  const { app } = room
  for (const act of acts) {
    app.get(act.path, async (request, reply) => {
      const operator = await permitted(room, request)
      const { id } = idParams.parse(request.params)
      return showAct(room, act, { request, reply, operator, id })
    })
    app.post(
      act.path,
      { preHandler: (...hook) => app.csrfProtection(...hook) },
      async (request, reply) => {
        const operator = await permitted(room, request)
        const { id } = idParams.parse(request.params)
        return perform(room, act, { request, reply, operator, id })
      },
    )
  }
}

interface Acting {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly operator: Operator
  readonly id: string
}

async function permitted({ identify }: Room, request: FastifyRequest): Promise<Operator> {
  const operator = await identify(request)
  if (operator.role === 'operator') return operator
  throw new AdminError(
    'not-an-operator',
    `${operator.name} is a viewer, and this is for an operator`,
  )
}

async function showAct(
  room: Room,
  act: Act,
  { request, reply, operator, id }: Acting,
  tried: { readonly problem?: string; readonly reason?: string } = {},
): Promise<FastifyReply> {
  const { title, ...asked } = await act.ask(room, id)
  const address = request.url.replace(/\?.*$/, '')
  const content = actContent({ ...asked, ...tried, address, proof: room.proofOf(reply) })
  return room.show(reply, { title, operator, content })
}

async function perform(room: Room, act: Act, acting: Acting): Promise<FastifyReply> {
  const { request, reply, operator, id } = acting
  const { reason, force } = form.parse(request.body ?? {})
  const asked = await act.ask(room, id)
  if (asked.needsReason && reason.trim() === '') {
    return showAct(room, act, { ...acting, reply: reply.status(400) }, { problem: 'Say why.' })
  }
  try {
    await act.run(room, id, { by: actorOf(operator), reason, isForced: force === 'true' })
    return await reply.redirect(asked.back, 303)
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    const problem = error.message
    return showAct(room, act, { ...acting, reply: reply.status(409) }, { problem, reason })
  }
}
