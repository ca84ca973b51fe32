/** Knows what one request of the REST protocol asks, once its address is understood. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'
import type { FilePlace } from '../../fencing/ports.js'
import type { Gate, Visitor } from '../gate/gate.js'
import type { Exchange } from '../http/exchange.js'

/** What a repository is read from: the gate, or an overlay. */
export type ReadableRepository = Pick<Gate, 'begin' | 'stat' | 'list' | 'open' | 'knows'>

export interface Call {
  readonly gate: Gate
  readonly readable: ReadableRepository
  readonly visitor: Visitor
  readonly repository: RepositoryId
  readonly exchange: Exchange
  readonly logger: Logger
  readonly ownDisk: FilePlace | undefined
  readonly request: IncomingMessage
  readonly answer: ServerResponse
}

export interface RootCall extends Call {
  readonly query: string
}

export interface ListCall extends Call {
  readonly type: ListedType
  readonly query: string
}

export interface ObjectCall extends Call {
  readonly object: ObjectName
}
