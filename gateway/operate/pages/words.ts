/** Says names, times and lengths of time on pages, and where each thing has its page. */
import { formatSize } from '../../../config/size.js'
import { Html, html } from '../../pages/html.js'
import { displayName } from '../admin/names.js'
import type { RecordView } from '../admin/views.js'
import { base } from './layout.js'

export function timeText(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`
}

export function agoText(iso: string, now: number): string {
  return `${lengthText(Math.max(0, now - Date.parse(iso)))} ago`
}

const units = [
  [24 * 60 * 60_000, 'day', 'd'],
  [60 * 60_000, 'hour', 'h'],
  [60_000, 'minute', 'min'],
] as const

export function lengthText(ms: number): string {
  for (const [length, , short] of units) {
    if (ms >= length) return `${Math.floor(ms / length)} ${short}`
  }
  return `${Math.floor(ms / 1_000)} s`
}

export function habitText(ms: number): string {
  const day = 24 * 60 * 60_000
  if (Math.abs(ms - day) < day / 4) return 'usually daily'
  if (Math.abs(ms - 7 * day) < day) return 'usually weekly'
  return `usually every ${lengthText(ms)}`
}

export function sizeText(bytes: number): string {
  return formatSize(bytes)
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

export function repositoryAddress(repository: string): string {
  return `${base}/repositories/${encodeURIComponent(repository === '' ? '/' : repository)}`
}

export function repositoryLink(repository: string): Html {
  return html`<a href="${repositoryAddress(repository)}"
    ><bdi>${displayName(repository)}</bdi></a
  >`
}

/** Ids are random in each repository: two may share one. */
export function fullId(repository: string, id: string): string {
  return `${displayName(repository)}:${id}`
}

export function itemAddress(repository: string, id: string): string {
  return `${base}/items/${encodeURIComponent(fullId(repository, id))}`
}

export function writerAddress(repository: string, id: string): string {
  return `${base}/writers/${encodeURIComponent(fullId(repository, id))}`
}

export function recordAddress({ repository, position }: RecordView): string {
  const words = new URLSearchParams({
    repository: displayName(repository),
    cursor: String(position + 1),
  })
  return `${base}/journal?${words.toString()}#r${position}`
}

/** In a sentence about a repository the ids that stand in it lead on. */
export function linked(repository: string, sentence: string): Html {
  const parts = sentence.split(/\b([wq]-[0-9a-f]{6,8})\b/)
  const linkedParts = parts.map((part, at) => {
    if (at % 2 === 0) return html`${part}`
    const address = part.startsWith('w')
      ? writerAddress(repository, part)
      : itemAddress(repository, part)
    return html`<a class="id" href="${address}">${part}</a>`
  })
  return html`<bdi>${linkedParts}</bdi>`
}
