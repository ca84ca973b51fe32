/** What one address of the operator's API is: who may ask, with what, and what is answered. All else is made from it. */
import type { z } from 'zod'
import type { AdminReason } from '../admin/admin.js'
import type { Role } from '../admin/views.js'
import type { Operator } from '../identity/operator.js'
import type { ApiParts } from './parts.js'

export interface RouteCall<P, Q, B> {
  readonly parts: ApiParts
  readonly operator: Operator
  readonly params: P
  readonly query: Q
  readonly body: B
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the prefix; what is in braces is one part, percent-encoded. */
  readonly path: string
  /** A stable name for programs that are made from the document. */
  readonly id: string
  readonly summary: string
  readonly role: Role
  /** Only whoever may open the state's socket, whatever else it could prove. */
  readonly isForSocket?: true
  readonly params: P
  readonly query: Q
  readonly body: B
  /** The reasons for which the answer may be no, beside those that every address has. */
  readonly reasons: readonly AdminReason[]
}

export interface JsonRoute extends RouteSpec<z.ZodType, z.ZodType, z.ZodType> {
  readonly kind: 'json'
  readonly answer: z.ZodType
  readonly run: (call: RouteCall<unknown, unknown, unknown>) => Promise<unknown>
}

export interface StreamRoute extends RouteSpec<z.ZodType, z.ZodType, z.ZodType> {
  readonly kind: 'stream'
  readonly type: 'application/octet-stream' | 'application/x-ndjson' | 'text/event-stream'
  /** The signal ends with the request. `lastEventId` is what a browser goes on from. */
  readonly run: (
    call: RouteCall<unknown, unknown, unknown>,
    signal: AbortSignal,
    lastEventId: string | undefined,
  ) => Promise<AsyncIterable<string | Uint8Array>>
}

export type Route = JsonRoute | StreamRoute

export function json<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  A extends z.ZodType,
>(
  spec: RouteSpec<P, Q, B> & {
    readonly answer: A
    readonly run: (
      call: RouteCall<z.output<P>, z.output<Q>, z.output<B>>,
    ) => Promise<z.input<A>>
  },
): JsonRoute {
  // Whoever calls it has parsed with these very schemas.
  return { ...spec, kind: 'json', run: spec.run as unknown as JsonRoute['run'] }
}

export function stream<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  spec: RouteSpec<P, Q, B> & {
    readonly type: StreamRoute['type']
    readonly run: (
      call: RouteCall<z.output<P>, z.output<Q>, z.output<B>>,
      signal: AbortSignal,
      lastEventId: string | undefined,
    ) => Promise<AsyncIterable<string | Uint8Array>>
  },
): StreamRoute {
  return { ...spec, kind: 'stream', run: spec.run as unknown as StreamRoute['run'] }
}
