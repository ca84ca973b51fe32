/** Knows how a gateway that runs for months is kept small. */
import { setFlagsFromString } from 'node:v8'

/**
 * V8 lets the space for young objects grow to 48 MB under load and seldom gives any of it back; requests leave little behind,
 * so a small one is swept as well. Sweeping it on several threads costs more than it brings: each time they are woken for a
 * millisecond's work, which was a third of the processor time of an upload. To be called before the load comes: what has
 * grown stays.
 */
export function keepHeapSmall(): void {
  for (const flag of heapFlags) setFlagsFromString(flag)
}

const heapFlags = [
  '--semi-space-growth-factor=1',
  '--no-parallel-scavenge',
  '--no-concurrent-marking',
  '--no-concurrent-sweeping',
  '--no-concurrent-array-buffer-sweeping',
]
