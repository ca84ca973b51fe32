/** Knows where a server can listen: an address, a Unix socket, a socket that systemd opened. */
import { chmod, lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { once } from 'node:events'
import { shortSocketPath } from '../program/socket-path.js'

export type ListenOptions =
  /** Port 0 takes any free port. */
  | { readonly host: string; readonly port: number }
  /** `mode` decides who may connect: 0600 where nothing else is said. */
  | { readonly path: string; readonly mode?: number }
  /** An open listening socket, as systemd hands it over (sd_listen_fds(3)). */
  | { readonly fd: number }

export interface Listening {
  /** As in a URL: `127.0.0.1:8000`, `[::1]:8000`; `unix:/run/x.sock` and `fd:3` where there is no port. */
  readonly address: string
  /** 0 where there is none. */
  readonly port: number
}

export async function listen(server: Server, where: ListenOptions): Promise<Listening> {
  if ('path' in where) return listenOnSocket(server, where.path, where.mode ?? 0o600)
  await bind(server, where)
  const bound = server.address()
  if (bound === null || typeof bound === 'string') {
    const name = 'fd' in where ? `fd:${where.fd}` : String(bound)
    return { address: typeof bound === 'string' ? `unix:${bound}` : name, port: 0 }
  }
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return { address: `${name}:${bound.port}`, port: bound.port }
}

async function listenOnSocket(server: Server, path: string, mode: number): Promise<Listening> {
  const short = await shortSocketPath(path)
  try {
    await removeStale(path)
    await bind(server, { path: short.path })
    // The file is removed by the path that it was made by.
    server.once('close', () => void short.release())
  } catch (error) {
    await short.release()
    throw error
  }
  await chmod(path, mode)
  return { address: `unix:${path}`, port: 0 }
}

async function bind(server: Server, where: ListenOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Takes no more connections; resolves when those that are open have closed. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
}

/** A socket file that a killed gateway left behind; one that somebody answers on stays, and listening fails. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSocket() !== true) return
  const short = await shortSocketPath(path)
  const socket = connect(short.path)
  const isAnswered = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  await short.release()
  if (!isAnswered) await unlink(path)
}
