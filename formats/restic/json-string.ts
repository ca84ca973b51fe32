/** Reads the bytes of a JSON string: where it ends, and what its escapes stand for. */

const quote = 0x22
/** The byte that an escape begins with. */
export const escapeByte = 0x5c

const shortEscapes: Readonly<Record<string, number>> = {
  '"': quote,
  '\\': escapeByte,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
}

/**
 * Where the quote stands that ends a string; undefined where none does, or a control character or an escape that JSON
 * does not know comes before.
 */
export function endOfString(text: Buffer, from: number): number | undefined {
  let at = from
  for (;;) {
    const byte = text[at]
    if (byte === quote) return at
    if (byte === undefined || byte < 0x20) return undefined
    if (byte !== escapeByte) at += 1
    else if (isShortEscape(text, at)) at += 2
    else if (unitAt(text, at) !== undefined) at += 6
    else return undefined
  }
}

function isShortEscape(text: Buffer, at: number): boolean {
  return shortEscapes[String.fromCharCode(text[at + 1] ?? 0)] !== undefined
}

/** What the content of a string stands for, as UTF-8; `endOfString` has seen that all its escapes are JSON's. */
export function unescape(content: Buffer): Buffer {
  // No escape is shorter than the bytes that it stands for.
  const bytes = Buffer.allocUnsafe(content.length)
  let length = 0
  let at = 0
  while (at < content.length) {
    const byte = content[at] ?? 0
    if (byte !== escapeByte) {
      bytes[length] = byte
      length += 1
      at += 1
      continue
    }
    const short = shortEscapes[String.fromCharCode(content[at + 1] ?? 0)]
    if (short !== undefined) {
      bytes[length] = short
      length += 1
      at += 2
      continue
    }
    const { point, width } = codePointAt(content, at)
    length += bytes.write(String.fromCodePoint(point), length)
    at += width
  }
  return bytes.subarray(0, length)
}

/** Half of a pair alone is U+FFFD, as Go reads it. */
function codePointAt(
  content: Buffer,
  at: number,
): { readonly point: number; readonly width: number } {
  const first = unitAt(content, at) ?? 0xfffd
  if (first < 0xd800 || first >= 0xe000) return { point: first, width: 6 }
  const second = first < 0xdc00 ? unitAt(content, at + 6) : undefined
  if (second === undefined || second < 0xdc00 || second >= 0xe000) {
    return { point: 0xfffd, width: 6 }
  }
  return { point: 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), width: 12 }
}

function unitAt(content: Buffer, at: number): number | undefined {
  const match = /^\\u([0-9a-fA-F]{4})$/.exec(content.toString('latin1', at, at + 6))
  return match === null ? undefined : Number.parseInt(match[1] ?? '', 16)
}
