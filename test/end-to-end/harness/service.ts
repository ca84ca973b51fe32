/** Knows how to run what serves repositories: the gateway, and the real rest-server to compare it with. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Child, type Ended } from './child.js'
import { clientPath, projectRoot } from './clients.js'
import { eventually } from './wait.js'

interface Launch {
  /** What it says once it serves; without it, that its port can be connected to is enough. */
  readonly ready?: RegExp
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A port of 127.0.0.1 that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return address.port
}

const isListening = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Seconds even on a busy machine; the soak starts it dozens of times on an overloaded one. */
const startMaxMs = 180_000

/** A server on a fixed port, that can be stopped, killed and started again. */
export class Service {
  readonly port: number
  /** The folder that holds the repositories. */
  readonly folder: string
  readonly #launch: Launch
  #child: Child | undefined

  constructor(port: number, folder: string, launch: Launch) {
    this.port = port
    this.folder = folder
    this.#launch = launch
  }

  url(repository: string): string {
    return `rest:http://127.0.0.1:${this.port}/${repository}/`
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error('the service was not started')
    return this.#child
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const { file, args, env, ready } = this.#launch
    const child = new Child(file, args, { env })
    this.#child = child
    if (ready !== undefined) {
      await child.says(ready, startMaxMs)
      return
    }
    await eventually(
      () => `${child.command} to listen; it said:\n${child.output}`,
      () => {
        if (child.isOver) throw new Error(`${child.command} ended:\n${child.output}`)
        return isListening(this.port)
      },
      startMaxMs,
    )
  }

  /** SIGTERM, and the orderly end. */
  async stop(): Promise<Ended> {
    this.child.signal('SIGTERM')
    return this.child.ended
  }

  /** SIGKILL: the power cord. */
  async kill(): Promise<Ended> {
    return this.child.kill()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }
}

export interface ServiceOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly port?: number
  /** Further flags of the program. */
  readonly args?: readonly string[]
  /** A program that runs the gateway in its turn, and becomes it: `prlimit`, `strace`. */
  readonly under?: readonly [string, ...string[]]
}

const gatewayFile = join(projectRoot, 'dist', 'gateway', 'cli', 'main.js')

/** What the program's first line hands to Node, so that it runs here as it does for its users. */
export const gatewayFlags = (): readonly string[] => {
  const [first = ''] = readFileSync(gatewayFile, 'utf8').split('\n')
  const [, flags] = /^#!\/usr\/bin\/env -S node (.+)$/.exec(first) ?? []
  if (flags === undefined) throw new Error(`"${first}" does not say how to run the gateway`)
  return flags.split(' ')
}

/** The command line of the gateway, ready for `spawn`. */
export const gatewayCommand = (args: readonly string[]): readonly [string, ...string[]] => [
  process.execPath,
  ...gatewayFlags(),
  '--enable-source-maps',
  gatewayFile,
  ...args,
]

export const startGateway = async ({
  folder,
  env,
  port,
  args = [],
  under,
}: ServiceOptions): Promise<Service> => {
  const listen = port ?? (await freePort())
  const flags = ['serve', '--path', folder, '--listen', `127.0.0.1:${listen}`, ...args]
  const command = gatewayCommand(flags)
  const [file, ...rest] = under === undefined ? command : ([...under, ...command] as const)
  // Before it makes anything the gateway tries its port, so a connection alone proves nothing.
  const ready = /Lockkeeper serves /
  const service = new Service(listen, folder, { file, args: rest, env, ready })
  await service.start()
  return service
}

export const startRestServer = async ({
  folder,
  env,
  port,
  args = [],
}: ServiceOptions): Promise<Service> => {
  const listen = port ?? (await freePort())
  const isAsking = args.includes('--htpasswd-file')
  const place = ['--path', folder, '--listen', `127.0.0.1:${listen}`]
  const flags = [...place, ...(isAsking ? [] : ['--no-auth']), ...args]
  const service = new Service(listen, folder, {
    file: clientPath('rest-server'),
    args: flags,
    env,
  })
  await service.start()
  return service
}
