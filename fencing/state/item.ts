/** An item of the quarantine: the story of a refused write, and whether its bytes were kept. */
import type { Author, Client, Generation, ItemId, Position, Run } from '../journal/event.js'
import type { ObjectName } from '../object.js'
import type { RefusalReason } from '../rules/refusal.js'

/** waiting: knocked, and not yet decided. resolved: the same bytes were committed after all. */
export type ItemState =
  'waiting' | 'quarantined' | 'released' | 'discarded' | 'evicted' | 'resolved'

export interface Item {
  readonly id: ItemId
  readonly object: ObjectName
  readonly position: Position
  readonly time: number
  /** The running time then. */
  readonly ran: number
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
  /** The running time then, as far as this run of the gateway has heard of tries. */
  lastTryRan: number
}

export function isOpen(item: Item): boolean {
  return item.state === 'waiting' || item.state === 'quarantined'
}

/**
 * Of the quarantine's bytes one client may take half at most: however much of one client is refused, others' refused
 * writes still find room.
 */
const shareOfOneClient = 1 / 2

/** Bounds the bytes that all quarantines of one gateway hold together, and each client's part of them. */
export class Allowance {
  readonly #bytesMax: number
  readonly #bytesOfClients = new Map<string, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  admits(client: Client, size: number): boolean {
    const own = this.#bytesOfClients.get(sharer(client)) ?? 0
    const hasRoom = this.#bytes + size <= this.#bytesMax
    return hasRoom && own + size <= this.#bytesMax * shareOfOneClient
  }

  take(client: Client, size: number): void {
    this.#add(client, size)
  }

  give(client: Client, size: number): void {
    this.#add(client, -size)
  }

  #add(client: Client, size: number): void {
    const name = sharer(client)
    const own = (this.#bytesOfClients.get(name) ?? 0) + size
    if (own === 0) this.#bytesOfClients.delete(name)
    else this.#bytesOfClients.set(name, own)
    this.#bytes += size
  }
}

/** A user has one share, wherever it calls from. */
function sharer({ user, address }: Client): string {
  return user === undefined ? `address ${address}` : `user ${user}`
}
