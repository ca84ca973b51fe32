/**
 * Draws the history of a repository: one lane a writer, time from left to right. Moments at which nothing happened take no
 * room, and a long silence is drawn as one, so that a sleeper beside a prune is seen whatever lies between.
 */
import { html, type Html } from '../../pages/html.js'
import type { RecordView } from '../admin/views.js'
import { lengthText, recordAddress } from './words.js'

const step = 30
const laneHeight = 36
const left = 130
const top = 34
const silenceMs = 10 * 60_000
const silenceWidth = 70
/** A lane that begins beyond this is named there too: its name at the left may be out of sight. */
const sightWidth = 500
const others = 'the gateway'

interface Mark {
  readonly record: RecordView
  readonly x: number
  readonly lane: string
}

interface Silence {
  readonly x: number
  readonly ms: number
}

interface Picture {
  readonly marks: readonly Mark[]
  readonly silences: readonly Silence[]
  readonly lanes: readonly string[]
  readonly width: number
}

/** `records` in the order of their journal. */
export function lanesOf(records: readonly RecordView[], title: string): Html {
  const picture = layOut(records)
  const height = top + picture.lanes.length * laneHeight + 10
  const width = picture.width
  return html`<div class="picture" tabindex="0" role="region" aria-label="${title}">
    <svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
      ${picture.silences.map((silence) => silenceOf(silence, height))}
      ${picture.lanes.map((lane, at) => laneOf(lane, at, picture))}
      ${picture.marks.map((mark) => markOf(mark, picture))}
    </svg>
  </div>`
}

function layOut(records: readonly RecordView[]): Picture {
  const marks: Mark[] = []
  const silences: Silence[] = []
  const lanes: string[] = []
  let x = left
  let before: number | undefined
  for (const record of records) {
    const time = Date.parse(record.time)
    const ms = before === undefined ? 0 : time - before
    if (ms > silenceMs) {
      silences.push({ x: x + silenceWidth / 2, ms })
      x += silenceWidth
    }
    before = time
    const lane = writerOf(record) ?? others
    if (!lanes.includes(lane)) lanes.push(lane)
    marks.push({ record, x, lane })
    x += step
  }
  return { marks, silences, lanes, width: x + step }
}

export function writerOf(record: RecordView): string | undefined {
  const { writer, author } = record
  if (typeof writer === 'string') return writer
  if (typeof author !== 'object' || author === null) return undefined
  if ('writer' in author && typeof author.writer === 'string') return author.writer
  const candidates = 'candidates' in author ? author.candidates : []
  return Array.isArray(candidates) && candidates.length > 0
    ? candidates.join(' or ')
    : undefined
}

function silenceOf({ x, ms }: Silence, height: number): Html {
  return html`<line class="gap" x1="${x}" y1="24" x2="${x}" y2="${height}" />
    <text class="soft" x="${x}" y="16" text-anchor="middle">${lengthText(ms)} later</text>`
}

function laneOf(lane: string, at: number, { marks, width }: Picture): Html {
  const y = top + at * laneHeight + laneHeight / 2
  const own = marks.filter((mark) => mark.lane === lane)
  const spans = own.slice(1).map((mark, index) => {
    const before = own[index] ?? mark
    const ms = Date.parse(mark.record.time) - Date.parse(before.record.time)
    const name = ms > silenceMs ? 'asleep' : 'awake'
    return html`<line class="${name}" x1="${before.x}" y1="${y}" x2="${mark.x}" y2="${y}" />`
  })
  const shown = lane.length > 16 ? `${lane.slice(0, 15)}…` : lane
  const begun = own[0]?.x ?? 0
  const again =
    begun > sightWidth
      ? html`<text class="soft" x="${begun - 8}" y="${y - 11}" aria-hidden="true"
          >${shown}</text
        >`
      : undefined
  return html`<text x="4" y="${y + 4}">${shown}</text>${again}
    <line class="lane" x1="${left - 10}" y1="${y}" x2="${width}" y2="${y}" />${spans}`
}

function markOf({ record, x, lane }: Mark, { lanes }: Picture): Html {
  const y = top + lanes.indexOf(lane) * laneHeight + laneHeight / 2
  return html`<a href="${recordAddress(record)}" aria-label="${record.sentence}"
    ><title>${record.sentence}</title
    ><rect
      class="hit"
      x="${x - 14}"
      y="${y - 14}"
      width="28"
      height="28"
    />${shapeOf(record, x, y)}</a
  >`
}

/** Told apart by their form, not by their colour alone. */
function shapeOf(record: RecordView, x: number, y: number): Html {
  const isLock = String(record.object).startsWith('locks/')
  switch (record.kind) {
    case 'committed':
      return isLock
        ? html`<rect class="mark lock" x="${x - 4}" y="${y - 4}" width="8" height="8" />`
        : html`<circle class="mark saved" cx="${x}" cy="${y}" r="7" />`
    case 'released':
      return html`<circle class="mark saved" cx="${x}" cy="${y}" r="7" />`
    case 'deleted':
      return html`<path
        class="mark ${isLock ? 'lock' : 'removed'}"
        d="M${x - 6} ${y - 6}L${x + 6} ${y + 6}M${x + 6} ${y - 6}L${x - 6} ${y + 6}"
      />`
    case 'refused':
    case 'knocked':
    case 'passed':
      return html`<path
        class="mark refused"
        d="M${x} ${y - 9}L${x + 9} ${y + 7}L${x - 9} ${y + 7}Z"
      />`
    case 'ended':
      return html`<path class="mark" d="M${x} ${y - 9}V${y + 9}" />`
    default:
      return html`<circle class="mark" cx="${x}" cy="${y}" r="5" />`
  }
}

export const legend = html`<p class="soft">
  ○ began or looked, ● saved, ■ lock, ✕ deleted, ▲ refused, | ended. A thick line is a run at
  work, a dotted one a run of which nothing was recorded for ten minutes or more. Each mark
  leads to its record.
</p>`
