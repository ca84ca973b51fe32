/** Puts the doors of one listener together: which of them an address belongs to. */
import type { Logger } from 'pino'
import type { Clock, FilePlace } from '../../fencing/ports.js'
import type { Gate } from '../gate/gate.js'
import { tell } from '../http/answer.js'
import type { RequestHandler } from '../http/channels.js'
import { exchangeOf } from '../http/exchange.js'
import {
  createHttpServer,
  type Doors,
  type HttpServer,
  type HttpServerOptions,
  type RequestTaker,
} from '../http/server.js'
import type { Overlays } from '../overlay/overlays.js'
import { createRestDoor } from '../rest/door.js'
import { createDavDoor } from '../webdav/door.js'
import type { PlainFiles } from '../webdav/plain-files.js'
import { isDavRequest } from '../webdav/target.js'

export interface DoorsOptions {
  readonly gate: Gate
  readonly clock: Clock
  readonly logger: Logger
  /** Deletions other than of locks are not allowed through these doors. */
  readonly isAppendOnly: boolean
  /** A user may enter only the repositories below the folder of its own name. */
  readonly isPrivate?: boolean
  /** The folder of the repositories, where all clients are of this user and machine and may be told where bytes lie. */
  readonly ownDisk?: FilePlace
  /** What a monitor scrapes, where it is to be had. */
  readonly metrics?: MetricsDoor
  /** What a proxy takes off each address, where it does not say so itself. */
  readonly basePath?: string
  /** False switches the WebDAV door off. */
  readonly hasDav?: boolean
  /** Answers the addresses of the browser of snapshots, where there is one. */
  readonly browser?: (isPrivate: boolean) => SnapshotBrowser
  /** Repositories as they would be with items of the quarantine released. */
  readonly overlays?: Overlays
  /** Where the WebDAV door may keep folders that are no repository: ordinary storage, unfenced. */
  readonly plain?: PlainFiles
}

/** A door of its own: what it answers, and how. */
export interface SnapshotBrowser {
  readonly takes: (url: string) => boolean
  readonly handle: RequestHandler
}

export interface MetricsDoor {
  readonly handle: RequestHandler
  /** It asks nobody who they are. */
  readonly isOpen: boolean
}

const metricsUser = 'metrics'

/** A listener's server, with the doors behind it. */
export function createDoorServer(
  options: DoorsOptions & Omit<HttpServerOptions, 'doors'>,
): HttpServer {
  return createHttpServer({ ...options, doors: createDoors(options) })
}

function createDoors(options: DoorsOptions): Doors {
  const { gate, logger, isAppendOnly, isPrivate = false, ownDisk, overlays, metrics } = options
  const dav = options.hasDav === false ? undefined : createDavDoor({ ...options, isPrivate })
  const browser = options.browser?.(isPrivate)
  const rest = createRestDoor({
    ...{ gate, logger, isAppendOnly, isPrivate },
    ...(ownDisk === undefined ? {} : { ownDisk }),
    ...(overlays === undefined ? {} : { overlays }),
  })
  const takesMetrics = metrics && metricsTaker(metrics, isPrivate)
  const doors: Doors = {
    closed: (channel, byClient) => {
      gate.closed(channel, byClient)
      overlays?.closed(channel)
    },
    close: () => gate.close(),
    handle: (request, answer) => {
      const url = request.url ?? ''
      if (takesMetrics?.(request, answer) === true) return
      if (browser?.takes(url) === true) browser.handle(request, answer)
      else if (dav !== undefined && isDavRequest(request)) dav(request, answer)
      else rest(request, answer)
    },
  }
  return metrics?.isOpen === true && takesMetrics !== undefined
    ? { ...doors, takesFromAnybody: takesMetrics }
    : doors
}

/** Where each user has folders of its own, only the user `metrics` may see what all of them do, as in rest-server. */
function metricsTaker({ handle, isOpen }: MetricsDoor, isPrivate: boolean): RequestTaker {
  return (request, answer) => {
    const isAsked = request.method === 'GET' && /^\/metrics(?:\?|$)/.test(request.url ?? '')
    if (!isAsked) return false
    const mayRead = isOpen || !isPrivate || exchangeOf(request).client.user === metricsUser
    if (mayRead) handle(request, answer)
    else tell(answer, { status: 401, sentence: 'Only the user "metrics" may read metrics.' })
    return true
  }
}
