/** Knows how the runs of clients are counted, and what restic's output says of how a run went. */
import type { Ended } from '../end-to-end/harness/child.js'

export type Act = 'backup' | 'forget' | 'forget and prune' | 'prune' | 'unlock'

/**
 * `locked`: another client's lock was in the way. `cut off`: restic could not reach the gateway where it does not try
 * again. `killed`: the soak itself ended the client.
 */
export type Fate = 'ok' | 'fenced' | 'conflict' | 'locked' | 'cut off' | 'killed' | 'failed'

/** What a run that did not succeed was told; the first sign that is found counts. */
const signs: readonly (readonly [Fate, RegExp])[] = [
  ['conflict', /the repository changed under this prune/],
  ['fenced', /fenced:/i],
  ['locked', /already locked|unable to create lock|conflicting lock/i],
  ['cut off', /unable to open config file|connection (refused|reset)|: EOF|broken pipe/],
]

export const fateOf = ({ code, signal, stdout, stderr }: Ended): Fate => {
  // A deletion that was refused does not always show in restic's exit code (RESTIC.md section 4).
  const said = signs.find(([, sign]) => sign.test(stdout + stderr))?.[0]
  if (signal === 'SIGKILL' || code === 137) return 'killed'
  if (code === 0) return said === 'conflict' || said === 'fenced' ? said : 'ok'
  return said ?? 'failed'
}

export class Tally {
  readonly #acts = new Map<string, number>()
  readonly #disturbances = new Map<string, number>()
  /** How runs failed that no sign explains; bounded. */
  readonly #stories: string[] = []

  note(act: Act, fate: Fate, ended: Ended): void {
    bump(this.#acts, `${act} ${fate}`)
    // A knock that the next try settled leaves no trace but this.
    if (/ 503 /.test(ended.stderr)) bump(this.#acts, `${act} knocked or put off`)
    if (fate === 'failed' && this.#stories.length < 40) {
      this.#stories.push(`${act}: ${ended.stderr.trim().split('\n').slice(-2).join(' | ')}`)
    }
  }

  disturb(what: string): void {
    bump(this.#disturbances, what)
  }

  /** `backup ok`, `prune conflict` …, each with how often. */
  get acts(): Readonly<Record<string, number>> {
    return sorted(this.#acts)
  }

  get disturbances(): Readonly<Record<string, number>> {
    return sorted(this.#disturbances)
  }

  get stories(): readonly string[] {
    return this.#stories
  }
}

const bump = (counts: Map<string, number>, what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
