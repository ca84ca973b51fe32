/** The first page: is everything all right, and where not? */
import { html, type Html } from '../../pages/html.js'
import type { ClientView, RepositoryView } from '../admin/views.js'
import { base, table } from './layout.js'
import { sentenceOn, troublesOf, type Trouble } from './verdict.js'
import { agoText, countText, habitText, repositoryLink, sizeText } from './words.js'

export interface FrontView {
  readonly repositories: readonly RepositoryView[]
  readonly clients: readonly ClientView[]
  /** Bytes that are free where the repositories and the state lie. */
  readonly free: readonly { readonly place: string; readonly bytes: number }[]
  readonly now: number
  /** From this one on. */
  readonly from: number
}

export const rowsMax = 100
const troublesMax = 20

export function frontContent(view: FrontView): Html {
  const { repositories, clients, free } = view
  const troubles = troublesOf(repositories, clients)
  const worst = new Set(troubles.map(({ repository }) => repository))
  // What needs somebody stands first; within that, by name.
  const ordered = [...repositories].sort((one, other) => {
    return Number(worst.has(other.name)) - Number(worst.has(one.name))
  })
  const shown = ordered.slice(view.from, view.from + rowsMax)
  const places = free.map(({ place, bytes }) => `${place}: ${sizeText(bytes)} free`).join('; ')
  return html`<p class="verdict ${troubles.length === 0 ? 'good' : 'bad'}" role="status">
      ${sentenceOn(troubles, repositories.length)}
    </p>
    ${troubleList(troubles)}
    <h2>Repositories</h2>
    ${table(
      countText(repositories.length, 'repository', 'repositories'),
      [
        'Repository',
        { name: 'Generation', isNumber: true },
        ...['Last snapshots', 'Runs', 'Quarantine', 'Maintenance'],
      ],
      shown.map((one) => row(one, view)),
    )}
    ${pager(view)}
    <p class="soft">${places}</p>`
}

function troubleList(troubles: readonly Trouble[]): Html | undefined {
  if (troubles.length === 0) return undefined
  const items = troubles.slice(0, troublesMax).map(({ level, repository, text }) => {
    const sign = level === 'bad' ? '✖ ' : '▲ '
    return html`<li>
      <span class="${level}" aria-hidden="true">${sign}</span>${repositoryLink(repository)}:
      <bdi>${text}</bdi>
    </li>`
  })
  const rest = troubles.length - troublesMax
  return html`<ul class="troubles">
    ${items}${rest > 0 ? html`<li>and ${rest} more</li>` : undefined}
  </ul>`
}

function row(view: RepositoryView, { clients, now }: FrontView): Html {
  const { name, generation, quarantined, maintenance } = view
  const own = clients.filter(({ repository }) => repository === name)
  const items =
    quarantined.count === 0
      ? 'empty'
      : html`<a href="${base}/items?repository=${encodeURIComponent(name)}" class="bad"
          >${countText(quarantined.count, 'item')}, ${sizeText(quarantined.bytes)}</a
        >`
  return html`<tr>
    <td>${repositoryLink(name)}</td>
    <td class="number">${generation}</td>
    <td>${own.length === 0 ? 'none yet' : own.map((client) => lastSnapshot(client, now))}</td>
    <td>${runsText(view)}</td>
    <td>${items}</td>
    <td>
      ${maintenance === null ? 'none' : html`${maintenance.writer}, ${agoText(maintenance.since, now)}`}
    </td>
  </tr> `
}

export function lastSnapshot(view: ClientView, now: number): Html {
  const { client, lastSnapshot: last, usuallyMs, overdue } = view
  const habit = usuallyMs === null ? '' : `; ${habitText(usuallyMs)}`
  return html`<div>
    <bdi>${client}</bdi>:
    ${agoText(last, now)}${habit}${
      overdue ? html`: <span class="warn">overdue</span>` : undefined
    }
  </div>`
}

const stateWords = {
  current: 'current',
  sleeper: 'silent',
  stale: 'overtaken',
  broken: 'broken',
  gone: 'gone',
} as const

function runsText({ writers }: RepositoryView): string {
  const counts = Object.entries(stateWords).flatMap(([state, word]) => {
    const count = writers.filter((writer) => writer.state === state).length
    return count === 0 ? [] : [`${count} ${word}`]
  })
  return counts.length === 0 ? 'none' : counts.join(', ')
}

function pager({ repositories, from }: FrontView): Html | undefined {
  if (repositories.length <= rowsMax) return undefined
  const link = (at: number, word: string): Html =>
    html`<li><a href="${base}/?from=${at}">${word}</a></li>`
  return html`<nav aria-label="More repositories">
    <ul class="actions">
      ${from > 0 ? link(Math.max(0, from - rowsMax), 'Before') : undefined}
      ${from + rowsMax < repositories.length ? link(from + rowsMax, 'Next') : undefined}
    </ul>
  </nav>`
}
