/** Knows an item of the quarantine: the story of a refused write, and whether its bytes were kept. */
import type { Author, Client, Generation, ItemId, Position, Run } from './event.js'
import type { ObjectName } from './object.js'
import type { RefusalReason } from './refusal.js'

/** waiting: knocked, and not yet decided. resolved: the same bytes were committed after all. */
export type ItemState =
  'waiting' | 'quarantined' | 'released' | 'discarded' | 'evicted' | 'resolved'

export interface Item {
  readonly id: ItemId
  readonly object: ObjectName
  readonly position: Position
  readonly time: number
  readonly client: Client
  readonly size: number
  author: Author
  reason: RefusalReason
  /** The generation that the writer saw. */
  generation: Generation
  /** The repository's generation when it was refused. */
  currentGeneration: Generation
  run?: Run
  state: ItemState
  /** The bytes are in quarantine. */
  isKept: boolean
  tries: number
  lastTry: number
}

export function isOpen(item: Item): boolean {
  return item.state === 'waiting' || item.state === 'quarantined'
}

/** Bounds the bytes that all quarantines of one gateway hold together. */
export class Allowance {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  admits(size: number): boolean {
    return this.#bytes + size <= this.#bytesMax
  }

  take(size: number): void {
    this.#bytes += size
  }

  give(size: number): void {
    this.#bytes -= size
  }
}
