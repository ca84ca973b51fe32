/** The page of the journal: filters, a page of records, and the way to the next. */
import { html, type Html } from '../../pages/html.js'
import { displayName } from '../admin/names.js'
import type { FoundRecordView, JournalPageView } from '../admin/views.js'
import { base, table } from './layout.js'
import { linked, repositoryLink, timeText } from './words.js'

export interface JournalFilter {
  readonly repository: string
  readonly client: string
  readonly kind: string
  /** As they were typed. */
  readonly since: string
  readonly until: string
}

export interface JournalPage {
  readonly filter: JournalFilter
  readonly kinds: readonly string[]
  readonly page: JournalPageView
  /** This is not the newest page. */
  readonly isLater: boolean
}

export function journalContent({ filter, kinds, page, isLater }: JournalPage): Html {
  return html`${filterForm(filter, kinds)}
    ${
      page.records.length === 0
        ? html`<p>Nothing was recorded that is asked for.</p>`
        : table(
            'Records, the newest first',
            [
              ...['Time', 'Repository'],
              { name: 'Position', isNumber: true },
              ...['Kind', 'What happened'],
            ],
            page.records.map(row),
          )
    }
    <nav aria-label="More records">
      <ul class="actions">
        ${isLater ? html`<li><a href="${addressOf(filter)}">Newest</a></li>` : undefined}
        ${
          page.next === null
            ? undefined
            : html`<li><a href="${addressOf(filter, page.next)}">Older</a></li>`
        }
      </ul>
    </nav>
    <p class="soft">
      Records that were sealed into archives are read with <code>lockkeeper journal</code>.
    </p>`
}

function row(record: FoundRecordView): Html {
  return html`<tr id="r${record.position}">
    <td>${timeText(record.time)}</td>
    <td>${repositoryLink(record.repository)}</td>
    <td class="number">${record.position}</td>
    <td>${record.kind}</td>
    <td>${linked(record.repository, record.sentence)}</td>
  </tr> `
}

function filterForm(filter: JournalFilter, kinds: readonly string[]): Html {
  const options = kinds.map((kind) =>
    kind === filter.kind
      ? html`<option selected>${kind}</option>`
      : html`<option>${kind}</option>`,
  )
  return html`<form class="row" method="get" action="${base}/journal">
    <label
      >Repository<br /><input name="repository" value="${nameIn(filter.repository)}"
    /></label>
    <label>Client<br /><input name="client" value="${filter.client}" /></label>
    <label
      >Kind<br /><select name="kind">
        <option value="">all</option>
        ${options}
      </select></label
    >
    <label
      >From (UTC)<br /><input name="since" type="datetime-local" value="${filter.since}"
    /></label>
    <label
      >To (UTC)<br /><input name="until" type="datetime-local" value="${filter.until}"
    /></label>
    <button class="main">Show</button>
  </form>`
}

function nameIn(repository: string): string {
  return repository === '' ? '' : displayName(repository)
}

function addressOf(filter: JournalFilter, cursor?: string): string {
  const given = Object.entries(filter).filter(([, value]) => value !== '')
  const words = new URLSearchParams(
    given.map(([key, value]): [string, string] => [key, String(value)]),
  )
  if (cursor !== undefined) words.set('cursor', cursor)
  return `${base}/journal?${words.toString()}`
}
