/** Says why a gateway cannot start: a sentence for each problem that says what to do. Nothing was changed. */
import { BackendError } from '../../fencing/ports.js'

export class StartError extends Error {
  override readonly name = 'StartError'
  readonly problems: readonly string[]

  constructor(problem: string | readonly string[], options?: ErrorOptions) {
    const problems = typeof problem === 'string' ? [problem] : problem
    super(problems.join('; '), options)
    this.problems = problems
  }
}

/** What the steps were refused for, all of it at once. What is no StartError is thrown. */
export async function refusalsOf(
  steps: readonly (() => Promise<unknown>)[],
): Promise<StartError | undefined> {
  const ends = await Promise.allSettled(steps.map((step) => step()))
  const errors = ends.flatMap((end): unknown[] =>
    end.status === 'rejected' ? [end.reason] : [],
  )
  const problems = errors.flatMap((error) => {
    if (error instanceof StartError) return error.problems
    throw error
  })
  return problems.length === 0 ? undefined : new StartError([...new Set(problems)])
}

/** Runs a step of the start; a fault of the world becomes a StartError, a bug stays one. */
export async function starting<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (error instanceof BackendError) throw new StartError(error.message, { cause: error })
    throw error
  }
}
