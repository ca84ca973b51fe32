/** Shortens the name of an object to what people read: the type, and as much of the hash as restic shows. */

export function shortObject(object: string): string {
  const slash = object.indexOf('/')
  return slash < 0 ? object : object.slice(0, slash + 9)
}
