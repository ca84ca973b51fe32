/** Lays out every page for operators alike: where one is, what there is, and who is signed in. */
import { Html, html, type Value } from '../../pages/html.js'
import type { Operator } from '../identity/operator.js'

export interface Layout {
  readonly title: string
  /** Undefined where it is not known who is there. */
  readonly operator: Operator | undefined
  /** What changes by itself. */
  readonly isLive?: boolean
  /** The address of the page, as it stands in the navigation. */
  readonly here?: string
  /** Proves that a form is from one of these pages. */
  readonly proof?: string | undefined
  readonly content: Value
}

export const base = '/-/ui'

const places = [
  [`${base}/`, 'Overview'],
  [`${base}/items`, 'Quarantine'],
  [`${base}/journal`, 'Journal'],
  [`${base}/health`, 'Settings and health'],
] as const

export function layout({ title, operator, isLive, here, proof, content }: Layout): string {
  const links = places.map(
    ([address, name]) =>
      html`<li>
        <a href="${address}" ${here === address ? new Html('aria-current="page"') : undefined}
          >${name}</a
        >
      </li>`,
  )
  const nav =
    operator === undefined
      ? undefined
      : html`<header>
          <nav aria-label="Pages">
            <ul>
              ${links}
            </ul>
          </nav>
        </header>`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} - Lockkeeper</title>
        <link rel="stylesheet" href="${base}/style.css" />
        <link rel="icon" href="data:," />
        <script src="${base}/live.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        ${nav}
        <main id="main" ${isLive === true ? new Html('data-live') : undefined}>
          <h1><bdi>${title}</bdi></h1>
          ${content}
        </main>
        ${operator === undefined ? undefined : footer(operator, proof)}
      </body>
    </html> `.text
}

function footer({ name, role, way }: Operator, proof: string | undefined): Html {
  const leave =
    way === 'link' && proof !== undefined
      ? html`<form method="post" action="${base}/leave">
          ${proofField(proof)}<button>Sign out</button>
        </form>`
      : undefined
  return html`<footer>
    <p class="soft">Signed in as <bdi>${name}</bdi> (${role}). Times are in UTC.</p>
    ${leave}
  </footer>`
}

export function proofField(proof: string): Html {
  return html`<input type="hidden" name="_csrf" value="${proof}" />`
}

export interface Column {
  readonly name: string
  readonly isNumber?: boolean
}

export function table(
  caption: string,
  columns: readonly (string | Column)[],
  rows: readonly Value[],
): Html {
  const heads = columns.map((column) => {
    const { name, isNumber } = typeof column === 'string' ? { name: column } : column
    return html`<th scope="col" ${isNumber === true ? new Html('class="number"') : undefined}>
      ${name}
    </th>`
  })
  // What is wider than the window can be scrolled with the keyboard too.
  return html`<div class="table" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`
}

export function facts(pairs: readonly (readonly [string, Value])[]): Html {
  return html`<dl>
    ${pairs.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}
