/** Knows one option in all its spellings: a flag, an environment variable and a key of a file. */
import { z } from 'zod'
import { parseDuration } from './duration.js'
import { parseListenPlace, type ListenPlace } from './listen-place.js'
import { parsePasswordFileFlag, type PasswordFileFlag } from './repository-settings.js'
import { parseSize } from './size.js'
import { parseTrustedRange, type TrustedRange } from './trusted-range.js'

export interface OptionSpec<T> {
  /** Reads what a user wrote: a string, or true for a switch. */
  readonly schema: z.ZodType<T>
  /** As a user would write it; what has none may be left unsaid. */
  readonly default?: string | boolean
  /** May be said several times, or once with commas between. */
  readonly isList?: true
  /** How the value is called in the help; a switch has none. */
  readonly argument?: string
  readonly help: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>

export type ValuesOf<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never
}

/** `lockTimeout` is the flag `--lock-timeout` … */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** … and the variable `LOCKKEEPER_LOCK_TIMEOUT`. */
export function variableOf(key: string): string {
  return `LOCKKEEPER${flagOf(key).slice(1).replaceAll('-', '_').toUpperCase()}`
}

/** … and the key `lock-timeout` of a file. */
export function fileKeyOf(key: string): string {
  return flagOf(key).slice(2)
}

function parsed<T>(parse: (text: string) => T | undefined, expected: string): z.ZodType<T> {
  return z.string().transform((text, context): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
}

export const duration: z.ZodType<number> = parsed(
  parseDuration,
  'a length of time has a number and a unit, like 30m, 12h or 14d',
)
export const size: z.ZodType<number> = parsed(
  parseSize,
  'a size has a number and a unit, like 500MiB or 10GiB',
)
export const count: z.ZodType<number> = parsed(
  (word) => (/^\d{1,9}$/.test(word) ? Number(word) : undefined),
  'a number is written with digits only, like 1000',
)
export const basePath: z.ZodType<string> = z
  .string()
  .regex(/^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*\/?$/, 'a base path is like /backup')
  .transform((path) => path.replace(/\/$/, ''))
export const positiveCount: z.ZodType<number> = parsed(
  (text) => (/^[1-9]\d{0,6}$/.test(text.trim()) ? Number(text) : undefined),
  'it is a whole number from 1 to 9999999',
)
const listenPlace: z.ZodType<ListenPlace> = parsed(
  parseListenPlace,
  'a place to listen at is HOST:PORT, like 127.0.0.1:8000 or [::1]:8000, unix:/PATH, systemd or fd:N',
)
export const listenPlaces: z.ZodType<readonly ListenPlace[]> = z.array(listenPlace).min(1)
/** None as well. */
export const places: z.ZodType<readonly ListenPlace[]> = z.array(listenPlace)
export const userNames: z.ZodType<readonly string[]> = z.array(
  z.string().regex(/^[\p{L}\p{N}._@+ -]{1,255}$/u, 'it is no name of a user'),
)
export const trustedRanges: z.ZodType<readonly TrustedRange[]> = z.array(
  parsed(
    parseTrustedRange,
    'a proxy has an address or a range of them, like 10.0.0.1 or fd00::/8',
  ),
)
/** Of hosts, in lower case. */
export const hostNames: z.ZodType<readonly string[]> = z.array(
  parsed(
    (text) => (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(text) ? text.toLowerCase() : undefined),
    'a name of this machine has no port, like backup.example.org',
  ),
)
export const passwordFiles: z.ZodType<readonly PasswordFileFlag[]> = z.array(
  parsed(
    parsePasswordFileFlag,
    'a password file has its repository before it, like laptop=/etc/lockkeeper/laptop.password',
  ),
)
export const text: z.ZodType<string> = z.string().min(1, 'it must not be empty')
export const unsaidText: z.ZodType<string | undefined> = text.optional()
/** Of an HTTP header, in lower case, as Node has it. */
export const headerName: z.ZodType<string | undefined> = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'it is no name of a header')
  .toLowerCase()
  .optional()

const switchWords: Readonly<Record<string, boolean>> = {
  1: true,
  true: true,
  yes: true,
  on: true,
  0: false,
  false: false,
  no: false,
  off: false,
}

export const toggle: z.ZodType<boolean> = z.preprocess(
  (value) => (typeof value === 'boolean' ? String(value) : value),
  parsed(
    (word) => (Object.hasOwn(switchWords, word) ? switchWords[word] : undefined),
    'a switch is true or false',
  ),
)
