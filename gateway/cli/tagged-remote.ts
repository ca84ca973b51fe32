/** Knows how a writer tag is put into the address of a WebDAV door that restic reaches through rclone. */

type Environment = Readonly<Record<string, string | undefined>>

export interface TaggedRemote {
  readonly variable: string
  readonly url: string
}

export function isRemote(address: string): boolean {
  return /^rclone:/i.test(address)
}

/**
 * Undefined where the environment does not say that the remote leads to a WebDAV door: what stands in rclone's own
 * configuration, or in the remote's name, is not looked into.
 */
export function tagRemote(
  address: string,
  tag: string,
  environment: Environment,
): TaggedRemote | undefined {
  const variable = variableOf(address, environment)
  const url = variable === undefined ? undefined : environment[variable]
  if (variable === undefined || url === undefined) return undefined
  const [, origin, rest] =
    /^(https?:\/\/[^/?#]+)(?:\/-\/w\/[^/?#]+)?(\/-\/dav(?:\/[^?#]*)?)$/i.exec(url) ?? []
  if (origin === undefined || rest === undefined) return undefined
  return { variable, url: `${origin}/-/w/${tag}${rest}` }
}

/** A variable of a named remote goes before rclone's configuration; `:webdav:` has none there. */
function variableOf(address: string, environment: Environment): string | undefined {
  const name = /^rclone:([^:,]*):(webdav:)?/i.exec(address)
  if (name === null) return undefined
  const [, remote = '', onTheFly] = name
  if (remote === '') return onTheFly === 'webdav:' ? 'RCLONE_WEBDAV_URL' : undefined
  const before = `RCLONE_CONFIG_${remote.toUpperCase()}`
  return environment[`${before}_TYPE`] === 'webdav' ? `${before}_URL` : undefined
}
