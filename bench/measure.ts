/** Knows how to compare: alternating rounds, medians, spread, and each peer's ratio to the one that all are held against. */

export interface Workload<P> {
  /** By which it is chosen: "upload". */
  readonly name: string
  /** What it does, with its size: "upload 20 packs of 16 MiB on 5 connections". */
  readonly title: string
  /** Seconds (or another unit, the same for all peers) for one run against a peer. */
  readonly run: (peer: P, round: number) => Promise<number>
}

export interface Peer {
  readonly name: string
}

export interface Figure {
  readonly peer: string
  readonly median: number
  readonly least: number
  readonly most: number
  /** Its median over the reference's. */
  readonly ratio: number
  /** One for each round, in order. */
  readonly values: readonly number[]
}

export interface Comparison {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly rounds: number
  readonly figures: readonly Figure[]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('no values to take a median of')
  return (low + high) / 2
}

/**
 * Runs the workload `rounds` times against every peer in turn. Each round begins with another peer, so that whatever a
 * run leaves behind (a warm cache, a busy disk) falls on each alike. The first peer is the reference of the ratios.
 */
export async function compare<P extends Peer>(
  workload: Workload<P>,
  peers: readonly P[],
  rounds: number,
  signal?: AbortSignal,
): Promise<Comparison> {
  const values = new Map<string, number[]>()
  for (let round = 0; round < rounds; round += 1) {
    const first = round % peers.length
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
      signal?.throwIfAborted()
      const value = await workload.run(peer, round)
      values.set(peer.name, [...(values.get(peer.name) ?? []), value])
    }
  }
  return comparisonOf({ ...workload, unit: 's' }, peers, values)
}

export function comparisonOf(
  { name, title, unit }: { name: string; title: string; unit: string },
  peers: readonly Peer[],
  values: ReadonlyMap<string, readonly number[]>,
): Comparison {
  const reference = median(values.get(peers[0]?.name ?? '') ?? [])
  const figures = peers.map(({ name: peer }) => {
    const own = values.get(peer) ?? []
    const middle = median(own)
    const [least, most] = [Math.min(...own), Math.max(...own)]
    return { peer, median: middle, least, most, ratio: middle / reference, values: own }
  })
  const rounds = values.get(peers[0]?.name ?? '')?.length ?? 0
  return { name, title, unit, rounds, figures }
}

/** A table in Markdown, so that it can be put into a document as it stands. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const names = comparisons[0]?.figures.map(({ peer }) => peer) ?? []
  const header = ['workload', ...names.flatMap((name) => [name, 'ratio'])]
  const rows = comparisons.map(({ title, unit, figures }) => [
    title,
    ...figures.flatMap(({ median: middle, least, most, ratio }) => [
      `${short(middle)} ${unit} (${short(least)}–${short(most)})`,
      ratio.toFixed(2),
    ]),
  ])
  const lines = [header, header.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
