/** The page of a writer: who it is, how it stands, and its story. */
import { html, type Html } from '../../pages/html.js'
import type { FoundRecordView, WriterView } from '../admin/views.js'
import { facts, table } from './layout.js'
import { linked, recordAddress, repositoryLink, timeText, writerAddress } from './words.js'

export interface WriterPageView {
  readonly repository: string
  readonly id: string
  /** Undefined once it has ended. */
  readonly writer: WriterView | undefined
  /** In order. */
  readonly records: readonly FoundRecordView[]
  readonly mayAct: boolean
}

const states = {
  current: 'Nothing has overtaken it, and it may live.',
  sleeper: 'Nothing has overtaken it, and this gateway saw it fall silent: asleep, or dead.',
  stale: "Another run's prune or repair has overtaken it: what it still writes is quarantined.",
  broken: 'Its own prune was refused once: whatever else it tries to change is refused too.',
  gone: 'Its client has closed everything; there is nothing to do.',
} as const

export function writerContent(view: WriterPageView): Html {
  const { repository, id, writer, records, mayAct } = view
  const rows = records.map(
    (record) =>
      html`<tr>
        <td><a href="${recordAddress(record)}">${timeText(record.time)}</a></td>
        <td>${record.kind}</td>
        <td>${linked(repository, record.sentence)}</td>
      </tr> `,
  )
  return html`${
      writer === undefined
        ? html`<p>It has ended. It wrote into ${repositoryLink(repository)}.</p>`
        : html`<p>${states[writer.state]}</p>
            ${facts([
              ['Repository', repositoryLink(repository)],
              ['Client', html`<bdi>${writer.client}</bdi>`],
              ['Tag', html`<bdi>${writer.tag ?? 'none'}</bdi>`],
              ['Generation', writer.generation],
              ['Locks', writer.locks],
              ['Last heard', timeText(writer.lastSeen)],
              [
                'On',
                html`<bdi
                  >${writer.connection?.from ?? 'no connection that is surely its'}</bdi
                >`,
              ],
            ])}`
    }
    <h2>Its story</h2>
    ${
      rows.length === 0
        ? html`<p>
            Nothing of it is found; what was sealed into archives is not looked through.
          </p>`
        : table('Records, in order', ['Time', 'Kind', 'What happened'], rows)
    }
    ${
      mayAct && writer !== undefined
        ? html`<h2>Acts</h2>
            <p>
              <a class="button" href="${writerAddress(repository, id)}/end"
                >Say that its process is gone …</a
              >
            </p>`
        : undefined
    }`
}
