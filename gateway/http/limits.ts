/** Knows the bounds of everything that a client can make the HTTP server hold. */

export interface HttpLimits {
  /** Further connections are closed at once. */
  readonly connectionsMax: number
  /** Of one client's address; those of trusted proxies are not counted. */
  readonly connectionsPerAddressMax: number
  readonly headerBytesMax: number
  readonly headersMax: number
  readonly urlCharactersMax: number
  /** Requests that one connection may have sent beyond the one being answered. */
  readonly pipelinedMax: number
  /** From the first byte of a request to the end of its headers; of a TLS or PROXY connection to the end of its handshake. */
  readonly headersTimeoutMs: number
  /** Of a connection that never carried a request. Go dials ahead and may keep one for 90 s before its first. */
  readonly unusedTimeoutMs: number
  /** From the refusal of a login to the end of the body that came with it. */
  readonly refusedBodyTimeoutMs: number
  /** Longer than restic's 90 s, so that it is the client who ends an idle connection (RESTIC.md section 5). */
  readonly keepAliveTimeoutMs: number
  /** A request without a byte in either direction for so long is broken off; there is no limit on its whole time. */
  readonly progressTimeoutMs: number
}

export const defaultHttpLimits: HttpLimits = {
  connectionsMax: 4096,
  connectionsPerAddressMax: 512,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  urlCharactersMax: 4096,
  pipelinedMax: 16,
  headersTimeoutMs: 15_000,
  unusedTimeoutMs: 120_000,
  refusedBodyTimeoutMs: 10_000,
  keepAliveTimeoutMs: 120_000,
  progressTimeoutMs: 5 * 60_000,
}
