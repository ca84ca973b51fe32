/** Knows why a gateway cannot start: one sentence that says what to do. Nothing was changed. */
import { BackendError } from '../../fencing/ports.js'

export class StartError extends Error {
  override readonly name = 'StartError'
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
