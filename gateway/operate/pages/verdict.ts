/** Answers in one sentence whether everything is all right, and says what is not: the worst first. */
import { displayName, noConfig } from '../admin/names.js'
import type { ClientView, RepositoryView } from '../admin/views.js'
import { overdueText } from '../words/condition-sentence.js'
import { countText } from './words.js'

export interface Trouble {
  readonly level: 'bad' | 'warn'
  readonly repository: string
  readonly text: string
}

export function troublesOf(
  views: readonly RepositoryView[],
  clients: readonly ClientView[],
): Trouble[] {
  const all = views.flatMap((view) => [...badOf(view), ...warningsOf(view)])
  const overdue = clients
    .filter((client) => client.overdue)
    .map((client): Trouble => {
      return { level: 'warn', repository: client.repository, text: overdueText(client) }
    })
  return [...all, ...overdue].sort((one, other) => rankOf(one) - rankOf(other))
}

export function sentenceOn(troubles: readonly Trouble[], repositories: number): string {
  const [first] = troubles
  if (first === undefined) {
    return repositories === 0
      ? 'Everything is all right; there is no repository yet.'
      : `Everything is all right with ${countText(repositories, 'repository', 'repositories')}.`
  }
  const rest = troubles.length - 1
  const more = rest === 0 ? '' : ` So ${rest === 1 ? 'does' : 'do'} ${rest} more.`
  return `${displayName(first.repository)} needs you: ${first.text}.${more}`
}

function rankOf({ level }: Trouble): number {
  return level === 'bad' ? 0 : 1
}

function badOf({ name, fault, hasConfig, quarantined, fencing }: RepositoryView): Trouble[] {
  const texts = [
    ...(fault === null ? [] : [`nothing is committed: ${fault}`]),
    ...(hasConfig ? [] : [noConfig]),
    ...(fencing === 'observe' ? ['nothing is protected: the gateway only observes'] : []),
    ...(quarantined.count === 0
      ? []
      : [`${countText(quarantined.count, 'refused write')} in quarantine`]),
  ]
  return texts.map((text) => ({ level: 'bad', repository: name, text }))
}

function warningsOf({ name, outside, writers }: RepositoryView): Trouble[] {
  const stale = writers.filter(({ state }) => state === 'stale' || state === 'broken').length
  const sleepers = writers.filter(({ state }) => state === 'sleeper').length
  const texts = [
    ...(stale === 0 ? [] : [`${countText(stale, 'run')} overtaken and not ended`]),
    ...(sleepers === 0 ? [] : [`${countText(sleepers, 'run')} fallen silent`]),
    ...(outside === null ? [] : ['it was used past the gateway']),
  ]
  return texts.map((text) => ({ level: 'warn', repository: name, text }))
}
