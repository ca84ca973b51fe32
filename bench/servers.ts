/** Knows the servers that are compared: each on a folder of its own, with its use of memory and processor. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gatewayFlags } from '../test/end-to-end/harness/service.js'
import type { Peer } from './measure.js'

export interface Server extends Peer {
  readonly pid: number
  /** Where repositories are, as `http://127.0.0.1:PORT`. */
  readonly origin: string
  /** The folder that holds the repositories. */
  readonly folder: string
  readonly usage: () => Promise<Usage>
  readonly stop: () => Promise<void>
}

export interface Usage {
  readonly peakMemoryMiB: number
  readonly cpuSeconds: number
}

type Arguments = (folder: string, port: number) => readonly string[]

export interface ServerKind {
  readonly name: string
  readonly program: string
  readonly args: Arguments
}

/** The gateway as its users run it. */
const gatewayArguments = (program: string): string[] => [...gatewayFlags(), program]

/** rest-server comes first: it is the one that the others are held against. `bare` is compared where it is named. */
export function serverKinds(options: {
  restServer: string
  gateway: string
  rclone: string
  /** The least that a server of Node can be (bare-server.ts). */
  bare: string
}): ServerKind[] {
  const at = (port: number): string => `127.0.0.1:${port}`
  return [
    {
      name: 'rest-server',
      program: options.restServer,
      args: (folder, port) => ['--path', folder, '--listen', at(port), '--no-auth'],
    },
    {
      name: 'lockkeeper',
      program: process.execPath,
      args: (folder, port) => [
        ...gatewayArguments(options.gateway),
        'serve',
        '--path',
        folder,
        '--listen',
        at(port),
      ],
    },
    {
      name: 'rclone',
      program: options.rclone,
      args: (folder, port) => ['serve', 'restic', '--addr', at(port), folder],
    },
    {
      name: 'bare',
      program: process.execPath,
      args: (folder, port) => [options.bare, folder, String(port)],
    },
  ]
}

/** The same for WebDAV: rclone is the one that the gateway is held against. */
export function davKinds(options: { gateway: string; rclone: string }): ServerKind[] {
  const at = (port: number): string => `127.0.0.1:${port}`
  return [
    {
      name: 'rclone',
      program: options.rclone,
      args: (folder, port) => ['serve', 'webdav', '--addr', at(port), folder],
    },
    {
      name: 'lockkeeper',
      program: process.execPath,
      args: (folder, port) => [
        ...gatewayArguments(options.gateway),
        ...['serve', '--path', folder],
        ...['--listen', at(port), '--plain-files'],
      ],
    },
  ]
}

export async function startServer(kind: ServerKind, parent: string): Promise<Server> {
  const folder = join(parent, kind.name)
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const env = { PATH: process.env.PATH, HOME: parent, RCLONE_CONFIG: '/dev/null' }
  const child = spawn(kind.program, kind.args(folder, port), {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (said = (said + text).slice(-4000)))
  await untilListening(port, () => {
    if (child.exitCode !== null) throw new Error(`${kind.name} ended: ${said}`)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  const { pid } = child
  if (pid === undefined) throw new Error(`${kind.name} did not start`)
  const origin = `http://127.0.0.1:${port}`
  return { name: kind.name, origin, folder, pid, usage: () => usageOf(pid), stop }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return address.port
}

async function untilListening(port: number, check: () => void): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    check()
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    if (performance.now() > deadline) throw new Error(`nobody listens on port ${port}`)
    await delay(20)
  }
}

/** From /proc: the peak of the resident set, and the processor's time in user and system mode. */
async function usageOf(pid: number): Promise<Usage> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const peakKiB = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN)
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Ticks of a hundredth of a second, fields 14 and 15 of proc(5).
  const ticks = Number(fields[11]) + Number(fields[12])
  return { peakMemoryMiB: peakKiB / 1024, cpuSeconds: ticks / 100 }
}
