/** Looks for what stands in no journal: disks and quarantine that are nearly full, clients that are overdue, journals that are damaged. */
import type { ClientView } from '../operate/admin/views.js'
import { checkSpace } from '../operate/doctor/folders.js'
import {
  damageSentence,
  overdueSentence,
  quarantineSentence,
} from '../operate/words/condition-sentence.js'
import type { NotifyEvent } from '../../config/notify-settings.js'
import type { Condition } from './target.js'

export interface ConditionSources {
  readonly now: () => number
  /** Folders whose disks may fill. */
  readonly places: readonly string[]
  readonly quarantine: () => { readonly bytes: number; readonly bytesMax: number }
  readonly clients: () => Promise<readonly ClientView[]>
  /** Since the last snapshot; by the client's own habit where it is undefined. */
  readonly overdueMs: number | undefined
  /** The repository is null where nothing can be committed to any. */
  readonly damages: () => Promise<
    readonly { readonly repository: string | null; readonly why: string }[]
  >
}

/** As in the alert rules. */
const nearlyFull = 0.8

/** What cannot be looked at is left out: the others are told all the same. */
export async function conditionsOf(
  sources: ConditionSources,
  onFault: (error: unknown) => void,
): Promise<Condition[]> {
  const looks = [
    () => Promise.all(sources.places.map((place) => ofDisk(sources, place))),
    async () => [ofQuarantine(sources)],
    async () => [await ofClients(sources)],
    async () => [await ofJournals(sources)],
  ]
  const found: Condition[] = []
  for (const look of looks) {
    try {
      found.push(...(await look()).flat())
    } catch (error) {
      onFault(error)
    }
  }
  return found
}

async function ofDisk({ now }: ConditionSources, place: string): Promise<Condition[]> {
  const findings = await checkSpace({ path: place, state: place, quarantineMaxSize: 0 })
  const texts = findings.flatMap(({ level, text }) => (level === 'ok' ? [] : [text]))
  if (texts.length === 0) return []
  return [condition('disk.nearly_full', { now, sentence: texts.join('; '), of: place })]
}

function ofQuarantine({ now, quarantine }: ConditionSources): Condition[] {
  const { bytes, bytesMax } = quarantine()
  if (bytes <= nearlyFull * bytesMax) return []
  const sentence = quarantineSentence(bytes, bytesMax)
  return [condition('quarantine.nearly_full', { now, sentence })]
}

async function ofClients(sources: ConditionSources): Promise<Condition[]> {
  const { now, overdueMs, clients } = sources
  const isOverdue = ({ overdue, lastSnapshot }: ClientView): boolean =>
    overdueMs === undefined ? overdue : now() - Date.parse(lastSnapshot) > overdueMs
  return (await clients()).filter(isOverdue).map((view) => {
    const { repository, client } = view
    const sentence = overdueSentence(view)
    return condition('client.overdue', { now, sentence, repository, client })
  })
}

async function ofJournals({ now, damages }: ConditionSources): Promise<Condition[]> {
  return (await damages()).map(({ repository, why }) => {
    const sentence = damageSentence(repository, why)
    return condition('journal.damaged', { now, sentence, repository })
  })
}

interface Said {
  readonly now: () => number
  readonly sentence: string
  readonly repository?: string | null
  readonly client?: string
  readonly of?: string
}

function condition(type: NotifyEvent, said: Said): Condition {
  const { now, sentence, repository = null, client = null, of = null } = said
  const notice = { type, repository, client, sentence, time: now(), position: null }
  return { key: JSON.stringify([type, repository, client, of]), notice }
}
