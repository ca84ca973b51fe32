/** Knows what can be wrong with the state: a journal that is damaged, was tampered with, or is ahead of the clock. */
import type { Admin } from '../admin/admin.js'
import { displayName, noConfig } from '../admin/names.js'
import type { RepositoryView } from '../admin/views.js'
import type { Finding } from './finding.js'

const clockSlackMs = 60_000
/** Before any version of this program. */
const clockFloor = Date.parse('2024-01-01')

export async function checkJournals(
  admin: Admin,
  views: readonly RepositoryView[],
): Promise<Finding[]> {
  const check = 'journal'
  const faults = [...new Set(views.flatMap(({ fault }) => (fault === null ? [] : [fault])))]
  if (faults.length > 0) return faults.map((text) => ({ check, level: 'problem', text }))
  const verified = await admin.verify({})
  const bad = verified.flatMap(({ repository, bad: at }): Finding[] => {
    if (at === null) return []
    const text = `${displayName(repository)}: bad at record ${at.position}: ${at.why}`
    return [{ check, level: 'problem', text }]
  })
  if (bad.length > 0) return bad
  const records = verified.reduce((sum, each) => sum + each.records, 0)
  const text = `the chains of ${verified.length} repositories hold (${records} records)`
  return [{ check, level: 'ok', text }]
}

export function checkUse(views: readonly RepositoryView[]): Finding[] {
  return views.flatMap(({ name, hasConfig, outside, fencing, writers }) => {
    const findings: Finding[] = []
    if (!hasConfig)
      findings.push({ check: 'use', level: 'problem', text: `${name} ${noConfig}` })
    if (outside !== null) {
      const text = `${name} was last used past the gateway at ${outside.time}; let every client come through it`
      findings.push({ check: 'use', level: 'warning', text })
    }
    if (fencing === 'observe') {
      const text = `${name} is only observed: nothing is protected`
      findings.push({ check: 'use', level: 'warning', text })
    }
    const sleepers = writers.filter(({ state }) => state === 'sleeper')
    if (sleepers.length > 0) {
      const ids = sleepers.map(({ id }) => id).join(', ')
      const text = `${name} has sleepers (${ids}), beside which runs without tags are put off; end those that are dead with "lockkeeper writers end ID"`
      findings.push({ check: 'use', level: 'advice', text })
    }
    return findings
  })
}

/** Locks expire by the gateway's clock, and a journal's times are read by people. */
export async function checkClock(
  admin: Admin | undefined,
  now: number,
  views: readonly RepositoryView[],
): Promise<Finding[]> {
  const check = 'clock'
  if (now < clockFloor) {
    return [{ check, level: 'problem', text: `the clock says ${new Date(now).toISOString()}` }]
  }
  for (const { name } of admin === undefined ? [] : views) {
    const since = { repository: name, time: now + clockSlackMs, isFollowed: false }
    const later = admin?.journal(since, new AbortController().signal)
    for await (const record of later ?? []) {
      const text = `${name} has records of a time to come (${record.time}): the clock was set back, or was wrong then`
      return [{ check, level: 'warning', text }]
    }
  }
  return [{ check, level: 'ok', text: `no record is of a time to come` }]
}
