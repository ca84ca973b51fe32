/** The style of the operators' pages: one sheet, for light and dark, for phones and for paper. */

export const style = `
:root {
  color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --paper: #fff; --ink: #1b1b1b; --soft: #595959; --line: #b8b8b8; --link: #0b57d0;
  --good: #1a6b2f; --bad: #a80f1b; --warn: #7a4d00; --shade: #f3f3f3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161616; --ink: #ececec; --soft: #b5b5b5; --line: #5a5a5a; --link: #8ab4f8;
    --good: #7fd493; --bad: #ff9a94; --warn: #f0bd5e; --shade: #242424;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 1rem 2rem; max-width: 76rem; background: var(--paper); color: var(--ink); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; inset-inline-start: -100vw; }
.skip:focus { position: static; }
header nav ul, .actions { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: 0; }
header nav { border-block-end: 1px solid var(--line); padding-block: .5rem; }
header nav a, .actions a { display: inline-block; padding-block: .5rem; }
header nav [aria-current] { font-weight: bold; }
h1 { font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; }
.verdict { border-inline-start: .4rem solid var(--good); padding: .5rem 1rem; background: var(--shade); font-size: 1.15rem; }
.verdict.bad { border-color: var(--bad); }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--soft); padding-block: .25rem; }
th, td { text-align: start; padding: .4rem .6rem; border-block-end: 1px solid var(--line); vertical-align: top; }
/* A word is broken only where it is wider than this: then the table scrolls. */
td { max-width: 24rem; } td:last-child { max-width: 48rem; } td, td code { overflow-wrap: break-word; }
time, a.id { white-space: nowrap; }
tr:target { background: var(--shade); }
td.number, th.number { text-align: end; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: bold; } .warn { color: var(--warn); font-weight: bold; }
.soft { color: var(--soft); } ul.troubles { list-style: none; padding: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
form { margin-block: 1rem; } form.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: block; }
input, select, button, .button { font: inherit; padding: .4rem .8rem; min-height: 2.75rem; max-width: 100%; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: .25rem; }
input[type=checkbox] { min-height: 1.5rem; min-width: 1.5rem; vertical-align: middle; }
input.wide { width: 100%; max-width: 40rem; }
button, .button { display: inline-block; vertical-align: middle; text-decoration: none; cursor: pointer; }
button.main { background: var(--link); color: var(--paper); border-color: var(--link); }
pre { background: var(--shade); padding: .8rem; overflow-x: auto; }
code { overflow-wrap: anywhere; }
.picture { overflow-x: auto; border: 1px solid var(--line); }
svg { display: block; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .soft { fill: var(--soft); }
svg .lane { stroke: var(--line); stroke-width: 2; } svg .awake { stroke: var(--link); stroke-width: 5; }
svg .asleep { stroke: var(--soft); stroke-width: 2; stroke-dasharray: 3 5; }
svg .gap { stroke: var(--line); stroke-dasharray: 2 4; }
svg .mark { fill: var(--paper); stroke: var(--ink); stroke-width: 2; }
svg .saved { fill: var(--good); stroke: var(--good); } svg .removed { stroke: var(--warn); stroke-width: 3; }
svg .refused { fill: var(--bad); stroke: var(--bad); } svg .lock { fill: var(--soft); stroke: var(--soft); }
svg a:focus-visible { outline: 3px solid var(--link); } svg .hit { fill: transparent; }
@media (max-width: 40rem) { th, td { padding: .4rem .3rem; } dl { grid-template-columns: 1fr; } dt { margin-block-start: .4rem; } }
@media print { header nav, form, .actions, .skip { display: none; } body { max-width: none; } }
`

/** What is left to do where a script may run: news arrive without being asked for. Nothing on a page needs it. */
export const script = `
'use strict'
let source, waiting
const isBusy = () => document.activeElement?.closest('form') !== null || document.querySelector('details[open]') !== null
const refresh = async () => {
  waiting = undefined
  if (isBusy()) { waiting = setTimeout(refresh, 2000); return }
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined)
  if (answer === undefined || !answer.ok) return
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main')
  const main = document.querySelector('main')
  if (next === null || isBusy() || main.innerHTML === next.innerHTML) return
  const focused = document.activeElement?.getAttribute?.('href')
  main.replaceWith(next)
  if (focused) [...next.querySelectorAll('a')].find((one) => one.getAttribute('href') === focused)?.focus()
}
// A browser keeps six connections to one place open at most: only a page that is seen has one.
const follow = () => {
  source?.close()
  if (document.visibilityState !== 'visible' || document.querySelector('main[data-live]') === null) return
  source = new EventSource('/-/api/v1/journal/events')
  source.addEventListener('record', () => { waiting ??= setTimeout(refresh, 300) })
}
document.addEventListener('visibilitychange', follow)
follow()
`
