/** Counts the writes of each repository that were refused or deferred. */
import type { BoundedLabel } from './bounded-label.js'
import { labelText, SeriesText, type Family } from './series.js'

const refusedFamily: Family = {
  name: 'lockkeeper_refused_writes_total',
  help: 'Uploads and deletions that were refused, by reason; stale, conflict, unseen and ambiguous are fenced',
  type: 'counter',
}
const deferredFamily: Family = {
  name: 'lockkeeper_deferred_writes_total',
  help: 'Tries of uploads and deletions that were told to come again',
  type: 'counter',
}

const fencings = ['stale', 'conflict', 'unseen', 'ambiguous'] as const
const verbs = ['upload', 'deletion'] as const

type Verb = (typeof verbs)[number]

/** A counter that appears with its first event has not grown in the eyes of a monitor, so each begins at 0. */
const deferredAtFirst = verbs.map((verb) => labelText('verb', verb))
const refusedAtFirst = deferredAtFirst.flatMap((verb) =>
  fencings.map((reason) => `${verb},${labelText('reason', reason)}`),
)

export class WriteCounters {
  readonly #labels: BoundedLabel
  /** By repository, then by the other labels. */
  readonly #refused = new Map<string, Map<string, number>>()
  readonly #deferred = new Map<string, Map<string, number>>()

  constructor(labels: BoundedLabel) {
    this.#labels = labels
  }

  refused(repository: string, verb: Verb, reason: string): void {
    const rest = `${labelText('verb', verb)},${labelText('reason', reason)}`
    count(this.#of(this.#refused, repository, refusedAtFirst), rest)
  }

  deferred(repository: string, verb: Verb): void {
    count(this.#of(this.#deferred, repository, deferredAtFirst), labelText('verb', verb))
  }

  /** Begins those of the repositories that were not counted yet. */
  text(repositories: readonly string[]): string {
    for (const repository of repositories) {
      this.#of(this.#refused, repository, refusedAtFirst)
      this.#of(this.#deferred, repository, deferredAtFirst)
    }
    return (
      textOf(new SeriesText(refusedFamily), this.#refused) +
      textOf(new SeriesText(deferredFamily), this.#deferred)
    )
  }

  #of(
    counters: Map<string, Map<string, number>>,
    repository: string,
    atFirst: readonly string[],
  ): Map<string, number> {
    const label = labelText('repository', this.#labels.of(repository))
    const known = counters.get(label)
    if (known !== undefined) return known
    const begun = new Map(atFirst.map((labels): [string, number] => [labels, 0]))
    counters.set(label, begun)
    return begun
  }
}

function count(counters: Map<string, number>, labels: string): void {
  counters.set(labels, (counters.get(labels) ?? 0) + 1)
}

function textOf(
  series: SeriesText,
  counters: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string {
  for (const [repository, values] of counters) {
    for (const [labels, value] of values) series.add(`${repository},${labels}`, value)
  }
  return series.text
}
