/** A server that does nothing, and that nobody attacks: how long it takes is what the machine itself takes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((_request, answer) => answer.end())
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on ${(server.address() as AddressInfo).port}`)
})
