/** Writes the browser's pages: repositories, snapshots, and the folders in one. */
import type { NamedSnapshot } from '../browsed-repository.js'
import { isPlainName, type Node } from '../../../formats/restic/node.js'
import type { Tree } from '../../../formats/restic/tree.js'
import { encodedName, repositoryPart } from './address.js'
import { Html, html, type Value } from '../../pages/html.js'
import { style } from './style.js'
import { modeText, nameText, ownerText, sizeText, timeText } from './words.js'

export const rowsMax = 1000

export function page(title: string, content: Value): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} - Lockkeeper</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        ${content}
      </body>
    </html> `.text
}

/** `up` is how many levels each lies above the page. */
function breadcrumbs(crumbs: readonly { readonly name: string; readonly up: number }[]): Html {
  const items = crumbs.map(({ name, up }) =>
    up === 0
      ? html`<li aria-current="page"><bdi>${name}</bdi></li>`
      : html`<li>
          <a href="${'../'.repeat(up)}"><bdi>${name}</bdi></a>
        </li>`,
  )
  return html`<nav aria-label="Path">
    <ol>
      ${items}
    </ol>
  </nav>`
}

export function repositoriesPage(names: readonly string[]): string {
  const items = names.map(
    (name) =>
      html`<li>
        <a href="./${repositoryPart(name)}/"><bdi>${repositoryText(name)}</bdi></a>
      </li>`,
  )
  const list =
    names.length === 0
      ? html`<p>There is no repository here that you may browse.</p>`
      : html`<ul>
          ${items}
        </ul>`
  return page(
    'Repositories',
    html`<main>
      <h1>Repositories</h1>
      ${list}
    </main>`,
  )
}

function repositoryText(name: string): string {
  return name === '' ? 'root repository' : name
}

export function snapshotsPage(
  repository: string,
  snapshots: readonly NamedSnapshot[],
  filter: string,
): string {
  const wanted = filter.toLowerCase()
  const shown = snapshots.filter((one) => wordsOf(one).toLowerCase().includes(wanted))
  const rows = shown.slice(0, rowsMax).map(
    (one) =>
      html`<tr>
        <td><a href="./${one.id.slice(0, 16)}/">${timeText(one.time.ns)}</a></td>
        <td><bdi>${one.hostname}</bdi></td>
        <td><bdi>${one.paths.join(', ')}</bdi></td>
        <td class="wide"><bdi>${one.tags.join(', ')}</bdi></td>
        <td class="wide"><code>${one.id.slice(0, 8)}</code></td>
      </tr> `,
  )
  const name = repositoryText(repository)
  const crumbs = breadcrumbs([
    { name: 'Repositories', up: 1 },
    { name, up: 0 },
  ])
  return page(
    name,
    html`${crumbs}
      <main>
        <h1>Snapshots of <bdi>${name}</bdi></h1>
        ${filterForm(filter, 'Host, path, tag or day')}
        <table>
          <caption>
            ${countText(shown.length, 'snapshot')}, the newest first
          </caption>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Host</th>
              <th scope="col">Paths</th>
              <th scope="col" class="wide">Tags</th>
              <th scope="col" class="wide">Id</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
      </main>`,
  )
}

function wordsOf({ time, hostname, paths, tags, id }: NamedSnapshot): string {
  return [timeText(time.ns), hostname, ...paths, ...tags, id].join('\n')
}

function filterForm(filter: string, label: string): Html {
  return html`<form method="get">
    <label>${label}<br /><input type="search" name="filter" value="${filter}" /></label>
    <button type="submit">Filter</button>
  </form>`
}

function countText(count: number, noun: string): string {
  const bounded = count > rowsMax ? `, the first ${rowsMax} of which are shown` : ''
  return `${count} ${noun}${count === 1 ? '' : 's'}${bounded}`
}

export interface FolderView {
  readonly repository: string
  readonly snapshot: NamedSnapshot
  readonly path: readonly Buffer[]
  readonly tree: Tree
  readonly query: URLSearchParams
}

type SortKey = 'name' | 'size' | 'time'
const sortable: readonly SortKey[] = ['name', 'size', 'time']
/** Of more entries only those of a page are read, by name. */
const sortedMax = 50_000

export function folderPage(view: FolderView): string {
  const { repository, snapshot, path, query } = view
  const filter = query.get('filter') ?? ''
  const { nodes, total, first } = chosen(view, filter)
  const depth = path.length
  const title =
    path.length === 0 ? timeText(snapshot.time.ns) : nameText(path.at(-1) ?? Buffer.of())
  const crumbs = breadcrumbs([
    { name: 'Repositories', up: depth + 2 },
    { name: repositoryText(repository), up: depth + 1 },
    { name: timeText(snapshot.time.ns), up: depth },
    ...path.map((name, at) => ({ name: nameText(name), up: depth - 1 - at })),
  ])
  const caption = `${total} ${total === 1 ? 'entry' : 'entries'}`
  return page(
    title,
    html`${crumbs}
      <main>
        <h1><bdi>${title}</bdi></h1>
        <p class="actions">
          <a href="./?archive=zip">Download as zip</a>
          <a href="./?archive=tar">Download as tar</a>
        </p>
        ${filterForm(filter, 'Name')}
        <table>
          <caption>
            ${caption}
          </caption>
          <thead>
            <tr>
              ${sortable.map((key) => heading(key, query))}
              <th scope="col" class="wide">Owner</th>
              <th scope="col" class="wide">Mode</th>
            </tr>
          </thead>
          <tbody>
            ${nodes.map(row)}
          </tbody>
        </table>
        ${pager(first, total, query)}
      </main>`,
  )
}

function chosen(
  { tree, query }: FolderView,
  filter: string,
): { nodes: Node[]; total: number; first: number } {
  const wanted = filter.toLowerCase()
  const first = rowsMax * Math.max(0, Math.trunc(Number(query.get('page') ?? 0)) || 0)
  const places = Array.from({ length: tree.length }, (_, at) => at).filter((at) => {
    return wanted === '' || nameText(tree.nameAt(at)).toLowerCase().includes(wanted)
  })
  const compare = places.length > sortedMax ? undefined : comparison(query)
  const isReversed = query.get('order') === 'desc'
  if (compare === undefined) {
    const ordered = isReversed ? places.reverse() : places
    const nodes = ordered.slice(first, first + rowsMax).map((at) => tree.at(at))
    return { nodes, total: places.length, first }
  }
  const all = places.map((at) => tree.at(at)).sort(compare)
  if (isReversed) all.reverse()
  return { nodes: all.slice(first, first + rowsMax), total: places.length, first }
}

/** Undefined by name, as they lie. */
function comparison(query: URLSearchParams): ((one: Node, other: Node) => number) | undefined {
  const key = query.get('sort')
  if (key === 'size') return (one, other) => Number(one.size - other.size)
  if (key === 'time') return (one, other) => Number(one.modified - other.modified)
  return undefined
}

const headings: Readonly<Record<SortKey, string>> = {
  name: 'Name',
  size: 'Size',
  time: 'Modified',
}

function heading(key: SortKey, query: URLSearchParams): Html {
  const isSorted = (query.get('sort') ?? 'name') === key
  const isDescending = query.get('order') === 'desc'
  const next = new URLSearchParams({
    sort: key,
    order: isSorted && !isDescending ? 'desc' : 'asc',
  })
  const filter = query.get('filter')
  if (filter !== null) next.set('filter', filter)
  const sorted = isSorted
    ? html` aria-sort="${isDescending ? 'descending' : 'ascending'}"`
    : undefined
  const number = key === 'size' ? html` class="number"` : undefined
  return html`<th scope="col" ${sorted}${number}>
    <a href="./?${next.toString()}">${headings[key]}</a>
  </th>`
}

function row(node: Node): Html {
  const size = node.type === 'file' ? sizeText(node.size) : ''
  return html`<tr>
    <td>${nameCell(node)}</td>
    <td class="number">${size}</td>
    <td>${timeText(node.modified)}</td>
    <td class="wide"><bdi>${ownerText(node)}</bdi></td>
    <td class="wide"><code>${modeText(node)}</code></td>
  </tr> `
}

function nameCell(node: Node): Html {
  const name = html`<bdi>${nameText(node.name)}</bdi>`
  if (!isPlainName(node.name)) return html`${name} (a name that no file can have)`
  const address = encodedName(node.name)
  if (node.subtree !== undefined) return html`<a href="./${address}/">${name}/</a>`
  if (node.type === 'file') {
    return html`<a href="./${address}">${name}</a>
      <a href="./${address}?view=">view<span hidden> ${nameText(node.name)}</span></a>`
  }
  if (node.type === 'symlink') {
    return html`${name} → <bdi>${nameText(node.linkTarget ?? Buffer.of())}</bdi>`
  }
  return html`${name} (${node.type})`
}

function pager(first: number, total: number, query: URLSearchParams): Value {
  if (total <= rowsMax) return undefined
  const to = (at: number, label: string): Html => {
    const next = new URLSearchParams(query)
    next.set('page', String(at / rowsMax))
    return html`<a href="./?${next.toString()}">${label}</a>`
  }
  return html`<nav aria-label="Pages">
    <p class="actions">
      ${first > 0 ? to(first - rowsMax, 'Previous') : undefined}
      <span>${first + 1} to ${Math.min(first + rowsMax, total)} of ${total}</span>
      ${first + rowsMax < total ? to(first + rowsMax, 'Next') : undefined}
    </p>
  </nav>`
}
