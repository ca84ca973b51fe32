/** Knows the properties that the door itself answers for (RFC 4918, section 15), as XML. */
import { contentTypeOf, type LockStory, type Resource } from './resource.js'
import { davNamespace, escapeXml, property, type PropertyName } from './xml-writing.js'

type Render = (resource: Resource) => string | undefined

/** What stands inside each property, or undefined where the resource has none of it. */
const liveProperties: Readonly<Record<string, Render>> = {
  resourcetype: ({ isFolder }) => (isFolder ? '<D:collection/>' : ''),
  getcontentlength: ({ size }) => (size === undefined ? undefined : String(size)),
  getcontenttype: (resource) => (resource.isFolder ? undefined : contentTypeOf(resource)),
  getetag: ({ etag }) => (etag === undefined ? undefined : escapeXml(etag)),
  getlastmodified: ({ modifiedMs }) =>
    modifiedMs === undefined ? undefined : new Date(modifiedMs).toUTCString(),
  creationdate: ({ createdMs }) =>
    createdMs === undefined
      ? undefined
      : new Date(createdMs).toISOString().replace(/\.\d+Z$/, 'Z'),
  supportedlock: ({ isPlain }) => (isPlain === true ? supportedLocks : undefined),
  lockdiscovery: ({ isPlain, locks }) =>
    isPlain === true ? (locks ?? []).map(activeLock).join('') : undefined,
}

const supportedLocks = ['exclusive', 'shared']
  .map(
    (scope) =>
      `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope>` +
      '<D:locktype><D:write/></D:locktype></D:lockentry>',
  )
  .join('')

const liveNames = Object.keys(liveProperties)

/** Whether clients cannot set this property. */
export function isLive({ namespace, local }: PropertyName): boolean {
  return namespace === davNamespace && Object.hasOwn(liveProperties, local)
}

/** One property as an element, or undefined where the resource does not have it. */
export function renderProperty(resource: Resource, name: PropertyName): string | undefined {
  if (isLive(name)) {
    const inner = liveProperties[name.local]?.(resource)
    return inner === undefined ? undefined : property(name, inner)
  }
  const dead = resource.dead?.find((one) => isSame(one, name))
  if (dead === undefined) return undefined
  const language = dead.language === undefined ? '' : ` xml:lang="${escapeXml(dead.language)}"`
  return property(name, dead.inner, language)
}

/** Every property that the resource has. */
export function namesOf(resource: Resource): PropertyName[] {
  const live = liveNames
    .filter((local) => liveProperties[local]?.(resource) !== undefined)
    .map((local) => ({ namespace: davNamespace, local }))
  return [...live, ...(resource.dead ?? [])]
}

export function isSame(one: PropertyName, other: PropertyName): boolean {
  return one.namespace === other.namespace && one.local === other.local
}

export function activeLock(lock: LockStory): string {
  const owner = lock.owner === '' ? '' : `<D:owner>${lock.owner}</D:owner>`
  return (
    '<D:activelock><D:locktype><D:write/></D:locktype>' +
    `<D:lockscope><D:${lock.scope}/></D:lockscope><D:depth>${lock.depth}</D:depth>${owner}` +
    `<D:timeout>Second-${lock.secondsLeft}</D:timeout>` +
    `<D:locktoken><D:href>${lock.token}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeXml(lock.rootHref)}</D:href></D:lockroot></D:activelock>`
  )
}
