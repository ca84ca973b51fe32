/** Makes the plan of a failed history as short as it can be: what can be left out without saving it is left out. */
import { History } from './history.js'
import type { Plan, ProcessPlan } from './plan.js'

/** Stops after so many tries; what it has by then is short enough to read. */
const triesMax = 400

export async function shorten(
  plan: Plan,
  violation: string,
  isI7Judged?: boolean,
): Promise<Plan> {
  let best = plan
  let tries = 0
  const fails = async (shorter: Plan): Promise<boolean> => {
    tries += 1
    const { violation: found } = await new History(shorter, { stepsMin: 0, isI7Judged }).run()
    return found !== undefined && kindOf(found) === kindOf(violation)
  }
  for (;;) {
    let hasShortened = false
    for (const shorter of shorterPlans(best)) {
      if (tries >= triesMax) return best
      if (!(await fails(shorter))) continue
      best = shorter
      hasShortened = true
      break
    }
    if (!hasShortened) return best
  }
}

/** `I7 (deferred)`, say: a shorter history that breaks something else explains nothing. */
function kindOf(violation: string): string {
  return /^(I\d|rule \d)[^:]*/.exec(violation)?.[0] ?? 'other'
}

function* shorterPlans(plan: Plan): Generator<Plan> {
  for (const processes of without(plan.processes)) yield { ...plan, processes }
  for (const incidents of without(plan.incidents)) yield { ...plan, incidents }
  const { deaths, illnesses } = plan.troubles
  for (const fewer of without(deaths)) yield { ...plan, troubles: { illnesses, deaths: fewer } }
  for (const fewer of without(illnesses)) {
    yield { ...plan, troubles: { deaths, illnesses: fewer } }
  }
  for (const [at, process] of plan.processes.entries()) {
    for (const simpler of simplerProcesses(process)) {
      yield { ...plan, processes: plan.processes.with(at, simpler) }
    }
  }
}

function* simplerProcesses(process: ProcessPlan): Generator<ProcessPlan> {
  for (const sleeps of without(process.sleeps)) yield { ...process, sleeps }
  for (const mishaps of without(process.mishaps)) yield { ...process, mishaps }
  for (const roams of without(process.roams)) yield { ...process, roams }
  const { killedAt, ...living } = process
  if (killedAt !== undefined) yield living
  if (process.usesFreshLines) yield { ...process, usesFreshLines: false }
  if (process.isAppendOnly) yield { ...process, isAppendOnly: false }
  if (process.isPatient) yield { ...process, isPatient: false }
  for (const idles of without(process.idles)) yield { ...process, idles }
  if (process.paceMs > 0) yield { ...process, paceMs: 0 }
  if (process.isCold) yield { ...process, isCold: false }
}

function* without<T>(items: readonly T[]): Generator<readonly T[]> {
  if (items.length > 2) {
    const half = items.length >> 1
    yield items.slice(half)
    yield items.slice(0, half)
  }
  for (const at of items.keys()) yield items.toSpliced(at, 1)
}
