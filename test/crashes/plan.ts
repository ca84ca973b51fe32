/** Knows when a round of crashes kills the gateway: at a named place of the commit protocol, or at any moment. */
import type { Draw } from '../fuzz/http-input.js'

export type Plan =
  | { readonly kind: 'place'; readonly place: string; readonly count: number }
  | { readonly kind: 'moment'; readonly afterMs: number }

/** Each with how often a small backup passes it at least, so that most rounds reach it. */
const places: readonly (readonly [place: string, counts: number])[] = [
  ['after-write', 3],
  ['before-sync', 6],
  ['after-stage', 4],
  ['before-append', 5],
  ['during-append', 5],
  ['after-append', 5],
  ['before-publish', 4],
  ['after-link', 4],
  ['before-unlink', 4],
  ['after-unlink', 4],
  ['after-sync', 8],
  ['after-publish', 4],
  ['before-settle', 4],
  ['after-settle', 4],
  ['before-remove', 1],
  ['after-remove', 1],
]

export const drawPlan = (draw: Draw): Plan => {
  if (draw(4) === 0) return { kind: 'moment', afterMs: draw(3_000) }
  const [place, counts] = places[draw(places.length)] ?? ['after-link', 1]
  return { kind: 'place', place, count: 1 + draw(counts) }
}

export const describePlan = (plan: Plan): string =>
  plan.kind === 'place' ? `${plan.place}:${plan.count}` : `after ${plan.afterMs} ms`
