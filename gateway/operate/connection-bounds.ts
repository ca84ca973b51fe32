/** What connections of operators may cost. */
import type { Server } from 'node:http'

export const headersTimeoutMs = 15_000
const connectionsMax = 256

export function boundConnections(server: Server): void {
  server.maxConnections = connectionsMax
  server.requestTimeout = 60_000
}
