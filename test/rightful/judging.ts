/** Decides whether the figures behind the gateway keep a set-up's limits. */
import type { Figures, Limits } from './set-up.js'

/** Who finds a lock is a matter of luck: so much larger may that share be than behind rest-server. */
const LOCKED_OUT_SHARE_MORE = 0.15

const share = (part: number, of: number): number => (of === 0 ? 0 : part / of)

const failureProblems = (figures: Figures, limits: Limits, peer: Figures | undefined) => {
  const counted =
    limits.failed === 'none-but-0.14'
      ? figures.failed.filter((one) => !one.startsWith('0.14'))
      : figures.failed
  const allowed = limits.failed === 'as-peer' ? (peer?.failed.length ?? 0) : 0
  const lockedMax = peer === undefined ? 0 : share(peer.lockedOut, peer.runs)
  const locked = share(figures.lockedOut, figures.runs)
  const isLockedMore =
    limits.failed === 'as-peer'
      ? peer !== undefined && locked > lockedMax + LOCKED_OUT_SHARE_MORE
      : figures.lockedOut > (peer?.lockedOut ?? 0)
  return [
    ...(counted.length > allowed ? [`${counted.length} failed, not ${allowed}`] : []),
    ...(isLockedMore
      ? [`${figures.lockedOut} found a lock, more than behind rest-server`]
      : []),
  ]
}

/** What is missed, one sentence each; `peer` is what rest-server did with the same set-up. */
export const judge = (
  figures: Figures,
  limits: Limits,
  peer: Figures | undefined,
): readonly string[] => {
  const { heard = Infinity, putOffMaxMs = Infinity, living } = limits
  return [
    ...(figures.heard > heard ? [`${figures.heard} heard a 503, not ${heard}`] : []),
    ...(figures.putOffMs > putOffMaxMs
      ? [`put off ${Math.round(figures.putOffMs / 1000)} s, not ${putOffMaxMs / 1000} s`]
      : []),
    ...failureProblems(figures, limits, peer),
    // Fewer is worse: who sleeps was taken for one that has ended.
    ...(figures.living === living
      ? []
      : [`${figures.living} live a minute after, not ${living}`]),
    ...figures.problems,
  ]
}
