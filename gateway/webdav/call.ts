/** Knows what one request to the WebDAV door asks, once its address is understood. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Gate, Visitor } from '../gate/gate.js'
import type { Exchange } from '../http/exchange.js'
import type { Folders } from './folders.js'
import type { LockTable } from './lock-table.js'
import type { Openings } from './opening.js'
import type { PlainFiles } from './plain-files.js'
import type { DavTarget, Place } from './target.js'

/** What the door has for every request. */
export interface Surroundings {
  readonly gate: Gate
  readonly folders: Folders
  readonly openings: Openings
  readonly logger: Logger
  readonly locks: LockTable
  /** Where other files than repositories may be kept. */
  readonly plain?: PlainFiles
}

export interface Call<P extends Place = Place> extends Surroundings {
  readonly visitor: Visitor
  readonly target: DavTarget
  readonly place: P
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly answer: ServerResponse
}

export type PlaceOf<K extends Place['kind']> = Extract<Place, { kind: K }>
