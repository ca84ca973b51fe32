/** Knows how a Unix socket is reached whose path is longer than the kernel takes, which Node cuts off without a word. */
import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { StartError } from './start-error.js'

export interface SocketPath {
  readonly path: string
  /** To be called when nobody needs the path any more. */
  readonly release: () => Promise<void>
}

/** 108 on Linux, 104 on macOS and BSD, with the zero byte at the end. */
const pathBytesMax = 103

/** The same file by a short name: through the open folder that it lies in. */
export async function shortSocketPath(file: string): Promise<SocketPath> {
  if (Buffer.byteLength(file) <= pathBytesMax) {
    return { path: file, release: async () => undefined }
  }
  if (process.platform !== 'linux') {
    throw new StartError(
      `the path of the socket "${file}" is longer than ${pathBytesMax} bytes; serve the folder by a shorter path`,
    )
  }
  const folder = await open(dirname(file))
  const path = `/proc/self/fd/${folder.fd}/${basename(file)}`
  return { path, release: () => folder.close() }
}
