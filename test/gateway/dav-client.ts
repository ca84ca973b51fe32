/** A client of the WebDAV door on a connection of its own, and a door with plain files to ask. */
import type { ExecutionContext } from 'ava'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../../backends/local/local-store.js'
import { openPlainFolder } from '../../backends/local/plain-folder.js'
import type { PlainFiles } from '../../gateway/webdav/plain-files.js'
import { openDoor, type Door, type DoorOptions } from './door.js'
import { RawClient, type Asked, type RawAnswer } from './raw-client.js'

export const davBase = '/-/dav'

export class DavClient {
  readonly raw: RawClient
  readonly base: string

  constructor(raw: RawClient, base: string) {
    this.raw = raw
    this.base = base
  }

  /** Closed when the test ends. */
  static async connect(t: ExecutionContext, door: Door, base = davBase): Promise<DavClient> {
    const raw = await RawClient.connect(door.port)
    t.teardown(() => raw.destroy())
    return new DavClient(raw, base)
  }

  ask(method: string, path: string, asked: Asked = {}): Promise<RawAnswer> {
    return this.raw.request(method, `${this.base}${path}`, asked)
  }

  /** The status alone. */
  async status(method: string, path: string, asked: Asked = {}): Promise<number> {
    return (await this.ask(method, path, asked)).status
  }
}

export function hrefsOf({ body }: RawAnswer): string[] {
  const found = body.toString().matchAll(/<D:response><D:href>([^<]*)<\/D:href>/g)
  return [...found].map(([, href = '']) => href)
}

export interface PlainDoor extends Door {
  /** What is served. */
  readonly root: string
  readonly plain: PlainFiles
  /** Around the root: nothing in it may change. */
  readonly outside: string
}

/** A door over a folder of the disk, with plain files beside the repositories, and some of them the gateway's `own`. */
export async function openPlainDoor(
  t: ExecutionContext,
  options: DoorOptions = {},
  own: readonly string[] = [],
): Promise<PlainDoor> {
  const outside = await mkdtemp(join(tmpdir(), 'lockkeeper-dav-'))
  const root = join(outside, 'root')
  await mkdir(root)
  const store = await openLocalStore({ root })
  const hidden = own.map((name) => join(root, name))
  const plain = await openPlainFolder({ root, own: hidden })
  const { listener, ...rest } = options
  const door = await openDoor({ ...rest, store, listener: { plain, ...listener } })
  t.teardown(async () => {
    await door.close()
    await rm(outside, { recursive: true, force: true })
  })
  return { ...door, root, plain, outside }
}
