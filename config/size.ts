/** Knows how sizes are written: `10GiB`, `500 MB`, `1073741824`. */

const factors: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
}

/** Bytes, or undefined where it is no size. A lone letter counts in 1024s, as restic and rest-server take it. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([a-z]*)$/i.exec(text.trim())
  if (match === null) return undefined
  const [, number = '', unit = ''] = match
  const factor = Object.hasOwn(factors, unit.toLowerCase())
    ? factors[unit.toLowerCase()]
    : undefined
  if (factor === undefined) return undefined
  const bytes = Math.round(Number(number) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** For people: three digits are enough. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = bytes
  let at = 0
  while (size >= 1024 && at < units.length - 1) {
    size /= 1024
    at += 1
  }
  const digits = at === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2
  return `${Number(size.toFixed(digits))} ${units[at] ?? 'B'}`
}
