/** What an operator does, and what befalls the gateway as a whole. */
import { isOpen, type Item } from '../../fencing/state/item.js'
import { typeOf, type ObjectName } from '../../fencing/object.js'
import type { RepositoryFence } from '../../fencing/repository-fence.js'
import { named } from '../fencing/world.js'
import type { Incident } from './plan.js'
import type { Situation } from './situation.js'
import { repository } from './stores.js'

const lookEveryMs = 5 * 60_000

export async function happen(situation: Situation, incident: Incident): Promise<void> {
  const { gateway, judge, time } = situation
  judge.reached.add(`incident: ${incident.kind}`)
  switch (incident.kind) {
    case 'restart':
      gateway.kill(1000)
      return
    case 'jump of the clock':
      time.skew += incident.ms
      return
    case 'outside prune':
      pruneOutside(situation)
      return
    case 'end a dead writer':
    case 'end a living writer':
      return operate(situation, (fence) => endWriter(situation, fence, incident.kind))
    case 'raise the generation':
      return operate(situation, (fence) => fence.raise('root', 'a test'))
    case 'release a pack':
      return operate(situation, (fence) => settleSome(situation, fence, 'release'))
    case 'discard an item':
      return operate(situation, (fence) => settleSome(situation, fence, 'discard'))
  }
}

/** An operator's command fails where the gateway is down or the stores are ill; then it is given up. */
async function operate(
  situation: Situation,
  act: (fence: RepositoryFence) => Promise<void>,
): Promise<void> {
  try {
    const fence = await situation.gateway.run?.fences.of(repository)
    if (fence !== undefined) await act(fence)
  } catch {
    situation.judge.reached.add('an operator was refused')
  }
}

async function endWriter(
  { gateway, judge }: Situation,
  fence: RepositoryFence,
  kind: Incident['kind'],
): Promise<void> {
  const isDead = kind === 'end a dead writer'
  const chosen = fence.livingWriters().find(({ id }) => judge.subjectOf(id)?.isOver === isDead)
  if (chosen === undefined) return
  await gateway.run?.fences.carryOut(fence, await fence.endWriter(chosen.id, 'root'))
}

/** An operator who looks now and then, and acts on the first item there is. */
async function settleSome(
  situation: Situation,
  fence: RepositoryFence,
  act: 'release' | 'discard',
  looks = 30,
): Promise<void> {
  if (looks === 0 || (await settleItem(situation, fence, act))) return
  situation.time.after(lookEveryMs, () => {
    void operate(situation, (again) => settleSome(situation, again, act, looks - 1))
  })
}

async function settleItem(
  { gateway, judge }: Situation,
  fence: RepositoryFence,
  act: 'release' | 'discard',
): Promise<boolean> {
  const isMeant = (item: Item): boolean => {
    if (!isOpen(item) || !item.isKept) return false
    return act === 'discard' || typeOf(item.object) === 'data'
  }
  const item = [...fence.state.items.values()].find(isMeant)
  const fences = gateway.run?.fences
  if (item === undefined || fences === undefined) return false
  const story = { by: 'root', reason: 'a test' }
  const { isActed } = await fences.decide(fence, item.object, async () => {
    if (act === 'release' && judge.standing.has(item.object)) {
      return { isActed: false, recorded: [] }
    }
    const recorded = await (act === 'discard'
      ? fence.discard(item, story)
      : fence.release(item, { ...story, forced: false }))
    return { isActed: true, recorded }
  })
  return isActed
}

/** restic straight on the folder: all packs under one new index, and the old indexes gone. */
function pruneOutside({ disk, contents, judge, seed }: Situation): void {
  judge.isBeyondLimits = true
  const made: ObjectName = named('index', `outside ${seed}`)
  contents.indexes.set(made, disk.names('data'))
  const taken = disk.names('index')
  for (const index of taken) disk.objects.delete(index)
  judge.publications.take(taken)
  disk.objects.set(made, made.slice('index/'.length))
}
