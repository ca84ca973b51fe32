/**
 * Reads JSON from bytes as a cursor: strings stay bytes, integers of 64 bits stay exact, and nothing is built that was
 * not asked for. All that is not JSON, or not of the asked type, throws.
 */
import { isUtf8 } from 'node:buffer'
import { damaged, type FormatError } from './format-error.js'
import { copyHexId, parseId, type Id } from './id.js'
import { endOfDigits, endOfNumber, zero } from './json-number.js'
import { endOfString, escapeByte, unescape } from './json-string.js'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const depthMax = 32
const uint64Max = 2n ** 64n - 1n
/** Integers of so few digits are exact as numbers. */
const safeDigits = 15

export class JsonScanner {
  readonly #text: Buffer
  readonly #what: string
  #at: number
  #depth = 0

  /** `what` names the text in messages. From `start` on, which must be at the beginning of a value. */
  constructor(text: Buffer, what: string, start = 0) {
    this.#text = text
    this.#what = what
    this.#at = start
  }

  /** Throws unless the whole text is UTF-8; ask once for a text that is scanned from its beginning. */
  requireUtf8(): this {
    if (!isUtf8(this.#text)) throw this.#damaged('it is not UTF-8')
    return this
  }

  /** Where the next value begins. */
  get position(): number {
    this.#peek()
    return this.#at
  }

  /**
   * Calls back for each key, with the cursor on its value, which the callback must read or `skip`. A key that stands
   * twice is called twice, so that the last one counts, as it does for restic.
   */
  object(field: (key: string) => void): void {
    this.#enter(openBrace)
    if (!this.#leaves(closeBrace)) {
      do {
        const key = this.string().toString('latin1')
        this.#take(colon)
        field(key)
      } while (this.#goesOn(closeBrace))
    }
    this.#depth -= 1
  }

  /** Calls back for each element; `null` is an empty array, as Go writes it. */
  array(element: () => void): void {
    if (this.takesNull()) return
    this.#enter(openBracket)
    if (!this.#leaves(closeBracket)) {
      do element()
      while (this.#goesOn(closeBracket))
    }
    this.#depth -= 1
  }

  /** True, and past it, where the next value is null. */
  takesNull(): boolean {
    if (this.#peek() !== 0x6e) return false
    this.#word('null')
    return true
  }

  boolean(): boolean {
    if (this.#peek() === 0x74) {
      this.#word('true')
      return true
    }
    this.#word('false')
    return false
  }

  /** The bytes of a string (UTF-8). It may be a view of the text: copy what is to be changed or kept for long. */
  string(): Buffer {
    const start = this.stringStart()
    const text = this.#text
    let at = start
    for (;;) {
      const byte = text[at]
      if (byte === quote) break
      if (byte === escapeByte) return this.#escaped(start, at)
      if (byte === undefined || byte < 0x20) throw this.#damaged('a string breaks off')
      at += 1
    }
    this.#at = at + 1
    return text.subarray(start, at)
  }

  /** Passes the quote that a string begins with. */
  stringStart(): number {
    this.#take(quote)
    return this.#at
  }

  /** Where the 64 characters of a string of exactly that length begin in the text. */
  string64(): number {
    const start = this.stringStart()
    if (this.#text[start + 64] !== quote) throw this.#damaged('a name is not 64 hex digits')
    this.#at = start + 65
    return start
  }

  text(): string {
    return this.string().toString('utf8')
  }

  uint64(): bigint {
    const digits = this.#digits()
    if (digits.length > 20) throw this.#damaged('a number is too large')
    const value = BigInt(digits)
    if (value > uint64Max) throw this.#damaged('a number is too large')
    return value
  }

  int64(): bigint {
    if (this.#peek() !== 0x2d) {
      const value = this.uint64()
      if (value >= 2n ** 63n) throw this.#damaged('a number is too large')
      return value
    }
    this.#at += 1
    const value = this.uint64()
    if (value > 2n ** 63n) throw this.#damaged('a number is too small')
    return -value
  }

  uint32(): number {
    const value = this.#shortInteger() ?? Number(this.uint64())
    if (value > 0xffff_ffff) throw this.#damaged('a number is too large')
    return value
  }

  /** Passes one value of any type. */
  skip(): void {
    switch (this.#peek()) {
      case quote:
        this.#at = this.#endOfString(this.stringStart()) + 1
        return
      case openBrace:
        this.object(() => this.skip())
        return
      case openBracket:
        this.array(() => this.skip())
        return
      case 0x74:
      case 0x66:
        this.boolean()
        return
      case 0x6e:
        this.#word('null')
        return
      case undefined:
      default:
        this.#skipNumber()
    }
  }

  /** One value of any type, as it stands. */
  raw(): Buffer {
    const start = this.position
    this.skip()
    return this.#text.subarray(start, this.#at)
  }

  /** The bytes of a string in base64, or of null, which is none. */
  base64(): Buffer {
    if (this.takesNull()) return Buffer.alloc(0)
    const text = this.string().toString('latin1')
    const bytes = Buffer.from(text, 'base64')
    if (bytes.toString('base64') !== text) throw this.#damaged('a text is not base64')
    return bytes
  }

  /** A name of 64 hex digits. */
  id(): Id {
    const start = this.string64()
    const id = parseId(this.#text.toString('latin1', start, start + 64))
    if (id === undefined) throw this.#damaged('a name is not 64 hex digits')
    return id
  }

  /** Writes the 32 bytes that a name of 64 hex digits stands for. */
  copyId(target: Uint8Array, at: number): void {
    copyHexId(this.#text, this.string64(), target, at)
  }

  texts(): string[] {
    const texts: string[] = []
    this.array(() => void texts.push(this.text()))
    return texts
  }

  /** Throws where anything but white space follows. */
  end(): void {
    if (this.#peek() !== undefined) throw this.#damaged('more follows its end')
  }

  #damaged(why: string): FormatError {
    return damaged(`${this.#what}: ${why}`)
  }

  /** The next byte that is no white space. */
  #peek(): number | undefined {
    for (;;) {
      const byte = this.#text[this.#at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
      this.#at += 1
    }
  }

  #take(byte: number): void {
    if (this.#peek() !== byte) {
      throw this.#damaged(`no "${String.fromCharCode(byte)}" at byte ${this.#at}`)
    }
    this.#at += 1
  }

  #enter(byte: number): void {
    this.#take(byte)
    this.#depth += 1
    if (this.#depth > depthMax) throw this.#damaged('it is nested too deeply')
  }

  #leaves(close: number): boolean {
    if (this.#peek() !== close) return false
    this.#at += 1
    return true
  }

  #goesOn(close: number): boolean {
    if (this.#leaves(close)) return false
    this.#take(comma)
    return true
  }

  #word(word: string): void {
    this.#peek()
    const end = this.#at + word.length
    if (this.#text.toString('latin1', this.#at, end) !== word) {
      throw this.#damaged(`no value at byte ${this.#at}`)
    }
    this.#at = end
  }

  /** The value of an integer of few digits, without building a string. */
  #shortInteger(): number | undefined {
    this.#peek()
    const end = endOfDigits(this.#text, this.#at)
    if (end === undefined || end - this.#at > safeDigits) return undefined
    let value = 0
    for (; this.#at < end; this.#at += 1) {
      value = value * 10 + (this.#text[this.#at] ?? 0) - zero
    }
    return value
  }

  #digits(): string {
    this.#peek()
    const start = this.#at
    const end = endOfDigits(this.#text, start)
    if (end === undefined) throw this.#damaged(`no whole number at byte ${start}`)
    this.#at = end
    return this.#text.toString('latin1', start, end)
  }

  #skipNumber(): void {
    const end = endOfNumber(this.#text, this.#at)
    if (end === undefined) throw this.#damaged(`no value at byte ${this.#at}`)
    this.#at = end
  }

  /** Where a string ends, of which all before `at` was seen. */
  #endOfString(from: number): number {
    const end = endOfString(this.#text, from)
    if (end === undefined) throw this.#damaged('a string is broken')
    return end
  }

  #escaped(start: number, firstEscape: number): Buffer {
    const end = this.#endOfString(firstEscape)
    this.#at = end + 1
    return unescape(this.#text.subarray(start, end))
  }
}
