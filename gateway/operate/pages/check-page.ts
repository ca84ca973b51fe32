/** The page that says how a repository is checked with what a run sent, before any of that is released. */
import { html, type Html } from '../../pages/html.js'
import type { Admin } from '../admin/admin.js'
import type { ItemView, OverlayView } from '../admin/views.js'
import { itemColumns, itemRow } from './item-page.js'
import { table } from './layout.js'
import { countText, fullId, itemAddress } from './words.js'

export interface Checking {
  readonly overlay: OverlayView
  /** All that the same run sent and that may be released. */
  readonly items: readonly ItemView[]
}

/** What one run sent belongs together: a snapshot needs its indexes, and they name its packs. */
export async function checkingOf(admin: Admin, item: ItemView): Promise<Checking> {
  const { repository, writer, candidates } = item
  const all = await admin.items({ repository, isWhole: false })
  const isOfSameRun = (other: ItemView): boolean =>
    other.writer === writer && other.candidates.join() === candidates.join()
  const items = all.filter((other) => isOfSameRun(other) && isReleasable(other))
  const ids = items.map(({ id }) => fullId(repository, id))
  const own = fullId(repository, item.id)
  return { overlay: await admin.overlay(ids.length === 0 ? [own] : ids), items }
}

export function isReleasable({ kept, state, object }: ItemView): boolean {
  return kept && state === 'quarantined' && !object.startsWith('locks/')
}

const told: Readonly<Record<OverlayView['state'], string>> = {
  unread: 'Nobody has read it yet.',
  reading: 'A check is at it, or has left before it had read all.',
  read: 'A check has read the whole of it.',
  spoiled: 'Packs or indexes have left the repository since it was read: check it once more.',
}

export function checkContent(item: ItemView, { overlay, items }: Checking): Html {
  const { command, state, left, proof } = overlay
  const still =
    state === 'reading' && left > 0 ? ` ${left} indexes and snapshots are left.` : ''
  return html`<p>
      This is the repository as it would be with ${countText(items.length, 'item')} released
      that the same run sent. It can only be read. Run this, with the password of the
      repository:
    </p>
    <pre><code>${command}</code></pre>
    <p role="status">${told[state]}${still}</p>
    ${
      proof === null
        ? undefined
        : html`<p>
            It read ${countText(proof.indexes, 'index', 'indexes')} and
            ${countText(proof.snapshots, 'snapshot')} to their end, the list of
            ${countText(proof.packs, 'pack')}, and something of ${proof.packsRead} of them.
            Whether it passed only you have seen: after an error release nothing. Else release
            packs first, then indexes, then snapshots.
          </p>`
    }
    ${table(countText(items.length, 'item'), itemColumns, items.map(itemRow))}
    <p>
      <a class="button" href="${itemAddress(item.repository, item.id)}">Back to the item</a>
    </p>`
}
