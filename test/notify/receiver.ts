/** A server on this machine that receives what is sent, and answers as the test says. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** Resolves once so many have come. */
  readonly until: (count: number) => Promise<void>
}

/** Where there is no reply, there is no answer. */
export async function openReceiver(
  t: Pick<ExecutionContext, 'teardown'>,
  replyTo: (at: number) => Reply | undefined = () => ({ status: 200 }),
): Promise<Receiver> {
  const received: Received[] = []
  const arrivals = new EventEmitter()
  const server = createServer((request, answer) => {
    void text(request).then((body) => {
      const reply = replyTo(received.length)
      received.push({ path: request.url ?? '', headers: request.headers, body })
      if (reply !== undefined) answer.writeHead(reply.status, reply.headers).end('thank you')
      arrivals.emit('one')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    until: async (count) => {
      while (received.length < count) await once(arrivals, 'one')
    },
  }
}
