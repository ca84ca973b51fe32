/** Knows which names in the folders of a repository are objects; all others are left out of every list. */
const namePattern = /^[0-9a-f]{64}$/
const shardPattern = /^[0-9a-f]{2}$/
/** Hex digits of an object's id. */
export const idLength = 64

export function isObject(name: string): boolean {
  return namePattern.test(name)
}

export function isShard(name: string): boolean {
  return shardPattern.test(name)
}

/** A pack in another folder than that of its first two digits cannot be opened by its name: it is none. */
export function isPackOf(shard: string, name: string): boolean {
  return name.startsWith(shard) && namePattern.test(name)
}
