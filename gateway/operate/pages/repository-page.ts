/** The page of a repository: its history as a picture, who writes, what locks stand, and what is in quarantine. */
import { html, type Html } from '../../pages/html.js'
import { noConfig } from '../admin/names.js'
import type {
  ClientView,
  ItemView,
  JournalPageView,
  LockView,
  MaintenanceView,
  RepositoryView,
  WriterView,
} from '../admin/views.js'
import { lastSnapshot } from './front-page.js'
import { itemRow, itemColumns } from './item-page.js'
import { lanesOf, legend } from './lanes.js'
import { base, facts, table } from './layout.js'
import {
  agoText,
  countText,
  repositoryAddress,
  sizeText,
  timeText,
  writerAddress,
} from './words.js'

export interface RepositoryPageView {
  readonly repository: RepositoryView
  /** The newest first. */
  readonly history: JournalPageView
  readonly clients: readonly ClientView[]
  readonly locks: readonly LockView[]
  readonly maintenances: readonly MaintenanceView[]
  readonly items: readonly ItemView[]
  readonly mayAct: boolean
  readonly now: number
}

export function repositoryContent(view: RepositoryPageView): Html {
  const { repository, history, clients, items, now, mayAct } = view
  const { name, generation, writers, quarantined, outside, fault, hasConfig } = repository
  const records = [...history.records].reverse()
  const journal = `${base}/journal?repository=${encodeURIComponent(name === '' ? '/' : name)}`
  return html`${fault === null ? undefined : html`<p class="bad">Nothing is committed: ${fault}</p>`}
    ${hasConfig ? undefined : html`<p class="bad">It ${noConfig}</p>`}
    ${facts([
      ['Generation', generation],
      [
        'Last snapshots',
        clients.length === 0 ? 'none yet' : clients.map((one) => lastSnapshot(one, now)),
      ],
      ['Quarantine', `${countText(quarantined.count, 'item')}, ${sizeText(quarantined.bytes)}`],
      ['Used past the gateway', outside === null ? 'never seen' : timeText(outside.time)],
    ])}
    <h2>History</h2>
    ${
      records.length === 0
        ? html`<p>Nothing was recorded yet.</p>`
        : html`${lanesOf(records, 'History as a picture')} ${legend}`
    }
    <p><a href="${journal}">All records of this repository</a></p>
    <h2>Runs</h2>
    ${writers.length === 0 ? html`<p>Nobody is writing.</p>` : writerTable(view)}
    <h2>Locks</h2>
    ${lockTable(view)} ${maintenanceTable(view)}
    <h2>In quarantine</h2>
    ${
      items.length === 0
        ? html`<p>Nothing is in quarantine.</p>`
        : table(countText(items.length, 'item'), itemColumns, items.map(itemRow))
    }
    ${
      mayAct
        ? html`<h2>Acts</h2>
            <p>
              <a class="button" href="${repositoryAddress(name)}/fence"
                >Raise the generation by hand</a
              >
            </p>`
        : undefined
    }`
}

function writerTable({ repository, now }: RepositoryPageView): Html {
  const rows = repository.writers.map((writer) => writerRow(repository.name, writer, now))
  return table(
    countText(rows.length, 'run'),
    ['Run', 'Client', 'State', 'Generation', 'Locks', 'Last heard', 'Tag'],
    rows,
  )
}

function writerRow(repository: string, writer: WriterView, now: number): Html {
  return html`<tr>
    <td><a href="${writerAddress(repository, writer.id)}">${writer.id}</a></td>
    <td><bdi>${writer.client}</bdi></td>
    <td class="${writer.state === 'stale' || writer.state === 'broken' ? 'bad' : ''}">
      ${writer.state}
    </td>
    <td class="number">${writer.generation}</td>
    <td class="number">${writer.locks}</td>
    <td>${agoText(writer.lastSeen, now)}</td>
    <td><bdi>${writer.tag ?? '-'}</bdi></td>
  </tr> `
}

function lockTable({ locks }: RepositoryPageView): Html {
  if (locks.length === 0) return html`<p>No lock stands in it.</p>`
  const rows = locks.map(
    ({ object, time, writer, candidates }) =>
      html`<tr>
        <td><code>${object.slice(0, 14)}</code></td>
        <td>
          ${writer ?? (candidates.length === 0 ? 'unknown' : `one of ${candidates.join(', ')}`)}
        </td>
        <td>${timeText(time)}</td>
      </tr> `,
  )
  return table(countText(locks.length, 'lock'), ['Lock', 'Run', 'Written'], rows)
}

function maintenanceTable({ maintenances }: RepositoryPageView): Html | undefined {
  if (maintenances.length === 0) return undefined
  const rows = maintenances.map(
    ({ generation, writer, kind, last }) =>
      html`<tr>
        <td class="number">${generation}</td>
        <td>${kind}</td>
        <td>${writer ?? '-'}</td>
        <td class="number">${last}</td>
      </tr> `,
  )
  return html`<h2>Maintenances that a living run may not have seen</h2>
    ${table(
      countText(maintenances.length, 'maintenance'),
      ['Generation', 'Kind', 'Run', 'Last deletion at'],
      rows,
    )}`
}
