/** Knows whether a place can be listened at, and says in words why not. */
import { connect, createServer } from 'node:net'
import { formatListenAddress, type ListenAddress } from '../../config/listen-address.js'
import { formatListenPlace, type ListenPlace } from '../../config/listen-place.js'
import { codeOf, messageOf } from './fault.js'
import { StartError } from './start-error.js'

const answerMs = 1_000

/**
 * Answers what is wrong with an address, if something is, before anything is made for it. The port itself is not
 * listened on: whoever waits for the gateway would take that for the gateway.
 */
export async function faultOfAddress(address: ListenAddress): Promise<StartError | undefined> {
  try {
    await listenOnAnyPort(address.host)
  } catch (error) {
    return explainAddress(address, error)
  }
  return address.port !== 0 && (await isAnswered(address)) ? inUse(address) : undefined
}

async function listenOnAnyPort(host: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: 0 }, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}

async function isAnswered({ host, port }: ListenAddress): Promise<boolean> {
  const socket = connect({ host: reachable(host), port, timeout: answerMs })
  const isConnected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('timeout', () => resolve(false))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return isConnected
}

/** What listens on every address listens on this one too. */
function reachable(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host
}

function inUse(address: ListenAddress): StartError {
  const where = formatListenAddress(address)
  return new StartError(
    `another program listens on ${where} already; stop it, or choose another port with --listen`,
  )
}

export function explainPlace(place: ListenPlace, error: unknown): StartError {
  if (place.kind === 'address') return explainAddress(place.address, error)
  const where = formatListenPlace(place)
  switch (codeOf(error) ?? '') {
    case 'EADDRINUSE':
      return new StartError(
        `another program answers at ${where} already; stop it, or choose another path with --listen`,
      )
    // A folder that is missing is told with the same code.
    case 'EACCES':
      return new StartError(
        `${where} cannot be made: its folder is not there, or may not be written; choose another path`,
      )
    case 'EBADF':
    case 'EINVAL':
    case 'ENOTSOCK':
      return new StartError(`${where} is no socket that was handed over`)
    default:
      return new StartError(`cannot listen at ${where}: ${messageOf(error)}`)
  }
}

function explainAddress(address: ListenAddress, error: unknown): StartError {
  const where = formatListenAddress(address)
  switch (codeOf(error) ?? '') {
    case 'EADDRINUSE':
      return inUse(address)
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
