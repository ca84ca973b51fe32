/** Knows how restic is sent through rclone to the WebDAV door of the server that an address names. */
import { dirname, delimiter } from 'node:path'
import { clientPath } from './clients.js'

export interface RcloneCall {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** `rest:http://127.0.0.1:PORT/NAME/` in the arguments becomes a remote that the environment describes. */
export const throughRclone = (args: readonly string[]): RcloneCall => {
  const env: Record<string, string> = {
    PATH: [dirname(clientPath('rclone')), process.env.PATH ?? ''].join(delimiter),
    RCLONE_CONFIG: '/dev/null',
  }
  const translated = args.map((arg) => {
    const [, port, tag, name] =
      /^rest:http:\/\/127\.0\.0\.1:(\d+)(\/-\/w\/[^/]+)?\/(.*?)\/?$/.exec(arg) ?? []
    if (port === undefined) return arg
    env[`RCLONE_CONFIG_PORT${port}_TYPE`] = 'webdav'
    env[`RCLONE_CONFIG_PORT${port}_VENDOR`] = 'other'
    env[`RCLONE_CONFIG_PORT${port}_URL`] = `http://127.0.0.1:${port}${tag ?? ''}/-/dav`
    return `rclone:port${port}:${name ?? ''}`
  })
  return { args: translated, env }
}
