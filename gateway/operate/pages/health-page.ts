/** The page of settings and health: what the doctor finds, what is in force, and which tokens there are. */
import { html, type Html } from '../../pages/html.js'
import type { Finding } from '../doctor/finding.js'
import type { SettingsView, TokenView } from '../admin/views.js'
import { table } from './layout.js'
import { countText, timeText } from './words.js'

export interface HealthView {
  readonly findings: readonly Finding[]
  readonly settings: SettingsView
  /** Undefined for a viewer. */
  readonly tokens: readonly TokenView[] | undefined
}

const classes = { ok: 'good', advice: '', warning: 'warn', problem: 'bad' } as const

export function healthContent({ findings, settings, tokens }: HealthView): Html {
  const found = findings.map(
    ({ check, level, text }) =>
      html`<tr>
        <td class="${classes[level]}">${level}</td>
        <td>${check}</td>
        <td><bdi>${text}</bdi></td>
      </tr> `,
  )
  const rows = Object.entries(settings.settings).map(
    ([key, { value, from }]) =>
      html`<tr>
        <th scope="row">${key}</th>
        <td><bdi>${wordsOf(value)}</bdi></td>
        <td>${from}</td>
      </tr> `,
  )
  return html`<h2>What the doctor finds</h2>
    ${table(countText(found.length, 'finding'), ['Level', 'Check', 'Finding'], found)}
    <h2>Settings in force</h2>
    ${table('Settings', ['Setting', 'Value', 'From'], rows)}
    ${tokens === undefined ? undefined : tokenTable(tokens)}`
}

function wordsOf(value: unknown): string {
  if (value === null || value === '') return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function tokenTable(tokens: readonly TokenView[]): Html {
  const rows = tokens.map(
    ({ id, name, role, made, madeBy }) =>
      html`<tr>
        <td>${id}</td>
        <td><bdi>${name}</bdi></td>
        <td>${role}</td>
        <td>${timeText(made)}</td>
        <td><bdi>${madeBy}</bdi></td>
      </tr> `,
  )
  return html`<h2>Tokens</h2>
    ${
      tokens.length === 0
        ? html`<p>There is none; <code>lockkeeper token add</code> makes one.</p>`
        : table(countText(tokens.length, 'token'), ['Id', 'Name', 'Role', 'Made', 'By'], rows)
    }`
}
