/** Knows the bounds of everything that a client can make the HTTP server hold. */

export interface HttpLimits {
  /** Further connections are closed at once. */
  readonly connectionsMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  readonly urlCharactersMax: number
  /** Requests that one connection may have sent beyond the one being answered. */
  readonly pipelinedMax: number
  /** From the start of a connection, or of a request, to the end of its headers. */
  readonly headersTimeoutMs: number
  /** Longer than restic's 90 s, so that it is the client who ends an idle connection (RESTIC.md section 5). */
  readonly keepAliveTimeoutMs: number
  /** A request without a byte in either direction for so long is broken off; there is no limit on its whole time. */
  readonly progressTimeoutMs: number
}

export const defaultHttpLimits: HttpLimits = {
  connectionsMax: 4096,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  urlCharactersMax: 4096,
  pipelinedMax: 16,
  // Go dials connections ahead and may keep one for 90 s before its first request.
  headersTimeoutMs: 120_000,
  keepAliveTimeoutMs: 120_000,
  progressTimeoutMs: 5 * 60_000,
}
