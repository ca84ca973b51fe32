/** Knows how a gateway that runs for months is kept small. */
import { setFlagsFromString } from 'node:v8'

/**
 * A gateway is asked many small things that leave little behind, so a small heap that is swept often serves it as well: V8
 * would let the space for young objects grow to 48 MB, and that for old ones to several times what lives, and gives little of
 * either back. To be called before anything else is loaded, since what has grown stays.
 */
export function keepHeapSmall(): void {
  for (const flag of flags) setFlagsFromString(flag)
}

/**
 * What is run to load a program is run once. V8 would optimise it all the same, on four threads, each of which keeps the
 * memory that took.
 */
export async function unoptimised<T>(load: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-opt')
  try {
    return await load()
  } finally {
    setFlagsFromString('--opt')
  }
}

const flags = [
  '--semi-space-growth-factor=1',
  '--heap-growing-percent=30',
  // Waking four threads for a millisecond's work was nearly a quarter of the processor time of uploads.
  '--no-parallel-scavenge',
  '--no-concurrent-marking',
  '--no-concurrent-sweeping',
  '--no-concurrent-array-buffer-sweeping',
]
