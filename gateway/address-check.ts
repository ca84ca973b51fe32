/** Knows whether an address can be listened on, and says in words why not. */
import { createServer } from 'node:net'
import { formatListenAddress, type ListenAddress } from '../config/listen-address.js'
import { codeOf, messageOf } from './fault.js'
import { StartError } from './start-error.js'

/** Tries the address and lets go of it again; answers what is wrong, if something is. */
export async function faultOfAddress(address: ListenAddress): Promise<StartError | undefined> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address.host, port: address.port }, resolve)
    })
    return undefined
  } catch (error) {
    return explainAddress(address, error)
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
}

export function explainAddress(address: ListenAddress, error: unknown): StartError {
  const where = formatListenAddress(address)
  switch (codeOf(error) ?? '') {
    case 'EADDRINUSE':
      return new StartError(
        `another program listens on ${where} already; stop it, or choose another port with --listen`,
      )
    case 'EACCES':
      return new StartError(
        `no right to listen on ${where}; choose a port from 1024 on with --listen`,
      )
    case 'EADDRNOTAVAIL':
      return new StartError(`${where} is no address of this machine; choose one with --listen`)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartError(`the host of ${where} cannot be found; give an address`)
    default:
      return new StartError(`cannot listen on ${where}: ${messageOf(error)}`)
  }
}
