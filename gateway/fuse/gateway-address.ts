/** Knows where the gateway of a mount is, and what it is asked at which address. */
import type { ListedType, ObjectName, RepositoryId } from '../../fencing/object.js'

export interface GatewayAddress {
  /** `http://host:port` or `https://…`, without a path. */
  readonly origin: string
  /** The socket to connect to instead, on this machine. */
  readonly socketPath?: string
  /** The value of the header, where the gateway asks who is there. */
  readonly authorization?: string
  /** The name of the client, for a gateway on this machine. */
  readonly client?: string
  /** It works on a disk that this process has too, and says where bytes lie or are to lie. */
  readonly isOnOwnDisk?: true
}

export const clientHeader = 'lockkeeper-client'

/** An address of a gateway, or of a folder or repository in it, with its name and password if there are any. */
export function parseGatewayUrl(
  text: string,
): { address: GatewayAddress; basis: readonly string[] } | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined
  const { username, password } = url
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
  const basis = url.pathname.split('/').filter((part) => part !== '')
  return {
    address: { origin: url.origin, ...(username === '' ? {} : { authorization }) },
    basis: basis.map(decodeURIComponent),
  }
}

/** The gateway that listens for mounts on a socket. */
export function gatewayAt(socketPath: string, client: string | undefined): GatewayAddress {
  return { origin: 'http://mount', socketPath, ...(client === undefined ? {} : { client }) }
}

/** What every request says of who sends it. */
export function headersFor({ authorization, client }: GatewayAddress): Record<string, string> {
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(client === undefined ? {} : { [clientHeader]: client }),
  }
}

export const repositoriesPath = '/-/repositories'

/** What the requests of one writer begin with. */
export function repositoryPath(repository: RepositoryId, tag: string | undefined): string {
  const folders = repository.split('/').filter((part) => part !== '')
  const prefix = tag === undefined ? [] : ['-', 'w', tag]
  return ['', ...[...prefix, ...folders].map(encodeURIComponent)].join('/')
}

export function objectPath(object: ObjectName): string {
  return `/${object}`
}

/** `prefix`: only the packs whose name begins so. */
export function listPath(type: ListedType, prefix: string): string {
  return prefix === '' ? `/${type}/` : `/${type}/?prefix=${prefix}`
}
