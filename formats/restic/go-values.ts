/** Reads values as Go writes them: quoted names, times with nanoseconds, and the bits of a file's mode. */
import { damaged } from './format-error.js'

const escapeByte = 0x5c
const quoteByte = 0x22
const newline = 0x0a

const shortEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': escapeByte,
  '"': quoteByte,
}

/** The bytes of a name that Go's strconv.Quote wrote, without its quotes. */
export function unquote(quoted: Buffer): Buffer {
  let at = quoted.indexOf(escapeByte)
  if (quoted.includes(quoteByte) && at < 0) throw brokenName()
  if (quoted.includes(newline)) throw brokenName()
  if (at < 0) return quoted
  const parts: Buffer[] = [quoted.subarray(0, at)]
  while (at < quoted.length) {
    if (quoted[at] === quoteByte) throw brokenName()
    if (quoted[at] === escapeByte) {
      const { bytes, width } = escapeAt(quoted, at)
      parts.push(bytes)
      at += width
      continue
    }
    const end = nextSpecial(quoted, at)
    parts.push(quoted.subarray(at, end))
    at = end
  }
  return Buffer.concat(parts)
}

function nextSpecial(quoted: Buffer, from: number): number {
  let at = from
  while (at < quoted.length && quoted[at] !== escapeByte && quoted[at] !== quoteByte) at += 1
  return at
}

const longEscape = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/

function escapeAt(quoted: Buffer, at: number): { bytes: Buffer; width: number } {
  const text = quoted.toString('latin1', at, at + 10)
  const short = shortEscapes[text.charAt(1)]
  if (short !== undefined) return { bytes: Buffer.of(short), width: 2 }
  const match = longEscape.exec(text)
  if (match === null) throw brokenName()
  const [all, byte, short4, long8, octal] = match
  if (byte !== undefined) {
    return { bytes: Buffer.of(Number.parseInt(byte, 16)), width: all.length }
  }
  if (octal !== undefined) {
    const value = Number.parseInt(octal, 8)
    if (value > 255) throw brokenName()
    return { bytes: Buffer.of(value), width: all.length }
  }
  const point = Number.parseInt(short4 ?? long8 ?? '', 16)
  if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) throw brokenName()
  return { bytes: Buffer.from(String.fromCodePoint(point)), width: all.length }
}

function brokenName(): Error {
  return damaged('a name is not quoted as Go quotes')
}

const timePattern =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:Z|[+-]\d\d:\d\d)$/
const nsPerSecond = 1_000_000_000n

/** Nanoseconds since 1970 of an RFC 3339 time, exactly. */
export function parseTime(text: string): bigint {
  const match = timePattern.exec(text)
  if (match === null) throw damaged('a time is not RFC 3339')
  const [, year, month, day, hour, minute, second, fraction = ''] = match
  const isPossible =
    within(month, 1, 12) &&
    within(hour, 0, 23) &&
    within(minute, 0, 59) &&
    within(second, 0, 59) &&
    within(day, 1, daysOf(Number(year), Number(month)))
  if (!isPossible) throw damaged('a time is not on the clock')
  // Of a year below 100 Date.UTC would make one of the last century.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second))
  const seconds = date.getTime() / 1000 - zoneMinutesOf(text) * 60
  return BigInt(seconds) * nsPerSecond + BigInt(fraction.padEnd(9, '0'))
}

/** How far east of Greenwich an RFC 3339 time says that its clock stands. */
export function zoneMinutesOf(text: string): number {
  const match = /([+-])(\d\d):(\d\d)$/.exec(text)
  if (match === null) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3])
  return match[1] === '-' ? -minutes : minutes
}

function within(digits: string | undefined, least: number, most: number): boolean {
  const value = Number(digits)
  return value >= least && value <= most
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** Go's os.FileMode, as it stands in a node. */
export const goMode = {
  dir: 0x8000_0000,
  append: 0x4000_0000,
  exclusive: 0x2000_0000,
  temporary: 0x1000_0000,
  symlink: 0x0800_0000,
  device: 0x0400_0000,
  namedPipe: 0x0200_0000,
  socket: 0x0100_0000,
  setuid: 0x0080_0000,
  setgid: 0x0040_0000,
  charDevice: 0x0020_0000,
  sticky: 0x0010_0000,
  irregular: 0x0008_0000,
  permissions: 0o777,
} as const

/** The permissions of a mode as Unix has them: 0o7777, without the type. */
export function unixPermissions(mode: number): number {
  const has = (bit: number): boolean => (mode & bit) !== 0
  return (
    (mode & goMode.permissions) |
    (has(goMode.setuid) ? 0o4000 : 0) |
    (has(goMode.setgid) ? 0o2000 : 0) |
    (has(goMode.sticky) ? 0o1000 : 0)
  )
}
