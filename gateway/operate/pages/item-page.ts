/** The page of an item: its whole story in plain words, why it was refused, and what can be done. */
import { html, type Html } from '../../pages/html.js'
import type { ItemView } from '../admin/views.js'
import { storyOf, whyOf, whatNowOf } from '../words/item-story.js'
import { shortObject } from '../words/short-object.js'
import { facts, table } from './layout.js'
import { itemAddress, linked, repositoryLink, sizeText, timeText, countText } from './words.js'

export const itemColumns = [
  'Item',
  'Repository',
  'Object',
  { name: 'Size', isNumber: true },
  'Why',
  'Client',
  'When',
  'State',
]

export function itemRow(item: ItemView): Html {
  return html`<tr>
    <td><a class="id" href="${itemAddress(item.repository, item.id)}">${item.id}</a></td>
    <td>${repositoryLink(item.repository)}</td>
    <td><code>${shortObject(item.object)}</code></td>
    <td class="number">${item.kept ? sizeText(item.size) : 'not kept'}</td>
    <td>${item.reason}</td>
    <td><bdi>${item.client}</bdi></td>
    <td>${timeText(item.time)}</td>
    <td>${item.state}</td>
  </tr> `
}

export function itemsContent(items: readonly ItemView[], isWhole: boolean): Html {
  const other = isWhole
    ? html`<a href="?">Only what is there still</a>`
    : html`<a href="?whole=true">Also what was released, discarded or dropped</a>`
  const list =
    items.length === 0
      ? html`<p>Nothing is in quarantine.</p>`
      : table(countText(items.length, 'item'), itemColumns, items.map(itemRow))
  return html`${list}
    <p>${other}</p>`
}

export interface ItemPageView {
  readonly item: ItemView
  readonly mayAct: boolean
}

export function itemContent({ item, mayAct }: ItemPageView): Html {
  const { repository, object, size, client, tries } = item
  const isOpen = item.state === 'quarantined' || item.state === 'waiting'
  return html`<p>${linked(repository, storyOf(item))}</p>
    <h2>Why it was refused</h2>
    <p>${linked(repository, whyOf(item))}</p>
    ${facts([
      ['State', item.state],
      ['Repository', repositoryLink(repository)],
      ['Object', html`<code>${object}</code>`],
      ['Size', `${sizeText(size)}${item.kept ? '' : ', not kept'}`],
      ['Client', html`<bdi>${client}</bdi>`],
      [
        'Run',
        linked(repository, item.writer ?? `one of ${item.candidates.join(', ') || 'none'}`),
      ],
      [
        'Rule and evidence',
        `${item.reason}: it saw generation ${item.generation}, and ${item.currentGeneration} was in force`,
      ],
      ['Tries', `${tries}, the last at ${item.lastTry.slice(0, 19).replace('T', ' ')}`],
      ['Refused', timeText(item.time)],
    ])}
    <h2>What can be done</h2>
    <p>${whatNowOf(item)}</p>
    ${mayAct && isOpen ? acts(item) : undefined}
    ${mayAct || !isOpen ? undefined : html`<p class="soft">You may look; an operator may act.</p>`}`
}

function acts({ repository, id, kept, state }: ItemView): Html {
  const address = itemAddress(repository, id)
  const withBytes = kept
    ? html`<li><a class="button" href="${address}/bytes">Download its bytes</a></li>
        ${
          state === 'quarantined'
            ? html`<li><a class="button" href="${address}/check">Check with it …</a></li>
                <li><a class="button" href="${address}/release">Release it …</a></li>`
            : undefined
        }`
    : undefined
  return html`<ul class="actions">
    ${withBytes}
    <li><a class="button" href="${address}/discard">Discard it …</a></li>
  </ul>`
}
