/** The style of the browser's pages: one sheet within each page, named by its hash, so that no other may be. */
import { createHash } from 'node:crypto'

export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; }
a { color: LinkText; } a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid Highlight; }
nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem .5rem; padding: 0; }
nav li + li::before { content: "/"; margin-inline-end: .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: .4rem .6rem; border-block-end: 1px solid GrayText; vertical-align: top; }
td.number, th.number { text-align: end; white-space: nowrap; }
td bdi { overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-block: 1rem; }
input, button, .button { font: inherit; padding: .4rem .8rem; min-height: 2.75rem; box-sizing: border-box; }
.actions { display: flex; flex-wrap: wrap; gap: 1rem; margin-block: 1rem; }
@media (max-width: 40rem) { .wide { display: none; } th, td { padding: .4rem .3rem; } }
`

const hash = createHash('sha256').update(style).digest('base64')

/** Nothing runs, nothing is loaded from elsewhere, and no other page may frame it. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Of what lies in a backup: shown, if at all, as a document of nobody's. */
export const contentPolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"
