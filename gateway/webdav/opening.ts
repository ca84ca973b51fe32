/** Knows how a run of restic behind rclone begins, and which clients never are such a run. */
import type { IncomingHttpHeaders } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { ObjectName, RepositoryId } from '../../fencing/object.js'
import type { Gate, Visitor } from '../gate/gate.js'

/** 20,000 keys; by count the library would take the room for all of them at once, on each listener. */
const remembered = { maxSize: 20_000, sizeCalculation: () => 1 }
/** A run asks for `config` three times within seconds of its probe; a password takes longer to type. */
const coverMs = 60_000
const coveredMax = 4

/**
 * restic asks its rclone once, before anything else, for a file that cannot be there: RESTIC.md section 7. No other
 * request is like it, and no run is without it. The number is no name for the run: it is always the same in old versions.
 */
const probePattern = /^file-\d{1,20}$/

/**
 * Programs that show folders from memory. What runs on top of them may rely on lists that are older than anything that
 * can be heard here, so what they write cannot be judged: they read.
 */
const mountPattern =
  /^(?:davfs2|WebDAVFS|WebDAVLib|Microsoft-WebDAV|Microsoft Data Access|gvfs)|konqueror|KIO/i

export function isProbe(name: string): boolean {
  return probePattern.test(name)
}

export function isMount(headers: IncomingHttpHeaders): boolean {
  return mountPattern.test(headers['user-agent'] ?? '')
}

export class Openings {
  readonly #monotonic: () => number
  /** Channels that a run has begun on, or that made the repository. */
  readonly #begun = new LRUCache<string, true>(remembered)
  /** Looks at `config` that belong to a probe and may come on other channels than it. */
  readonly #covers = new LRUCache<string, { readonly until: number; left: number }>(remembered)

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  /** A new run says hello. Throws where its birth cannot be recorded. */
  async probe(gate: Gate, visitor: Visitor, repository: RepositoryId): Promise<void> {
    const client = clientKey(visitor, repository)
    const until = this.#monotonic() + coverMs
    // Until its birth is recorded it has no cover, and restic goes on whatever it is answered here.
    this.#covers.set(client, { until, left: 0 })
    if ((await gate.begin(visitor, repository)) === undefined) return
    this.noteBegun(visitor, repository)
    this.#covers.set(client, { until, left: coveredMax })
  }

  /**
   * A look at `config`, which only a run that begins takes: a birth, unless it belongs to one. In doubt it is a birth: a
   * writer too many costs patience, one too few would let another answer for it.
   */
  async lookAtConfig(
    gate: Gate,
    visitor: Visitor,
    repository: RepositoryId,
  ): Promise<number | undefined> {
    const config = 'config' as ObjectName
    const hasBegun = this.#begun.has(channelKey(visitor, repository))
    if (visitor.isReader === true || hasBegun || this.#isCovered(visitor, repository)) {
      return gate.stat(visitor, repository, config)
    }
    const size = await gate.begin(visitor, repository)
    if (size !== undefined) this.noteBegun(visitor, repository)
    return size
  }

  noteBegun(visitor: Visitor, repository: RepositoryId): void {
    this.#begun.set(channelKey(visitor, repository), true)
  }

  #isCovered(visitor: Visitor, repository: RepositoryId): boolean {
    const cover = this.#covers.get(clientKey(visitor, repository))
    if (cover === undefined || cover.until < this.#monotonic() || cover.left === 0) return false
    cover.left -= 1
    return true
  }
}

function channelKey({ channel }: Visitor, repository: RepositoryId): string {
  return `${channel.id} ${repository}`
}

function clientKey({ client, tag }: Visitor, repository: RepositoryId): string {
  return JSON.stringify([client.user, client.address, tag, repository])
}
