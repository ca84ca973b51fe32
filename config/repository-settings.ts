/** Reads what is said of single repositories: where each one's password comes from, and who may browse it. */
import { z } from 'zod'
import { nearest } from './nearest.js'
import { SettingsError } from './settings-error.js'

/** Where a password comes from. The password itself is no setting. */
export type PasswordSource =
  | { readonly kind: 'file'; readonly file: string }
  /** A line for the shell, which prints the password. */
  | { readonly kind: 'command'; readonly command: string }
  /** An environment variable of the gateway. */
  | { readonly kind: 'variable'; readonly variable: string }

export interface RepositorySettings {
  /** The path below the root; the root itself is ''. */
  readonly repository: string
  readonly password: PasswordSource
  /** Undefined where everybody may who may enter. */
  readonly browsers: readonly string[] | undefined
}

/** `REPO=FILE`. */
export interface PasswordFileFlag {
  readonly repository: string
  readonly file: string
}

export function parsePasswordFileFlag(text: string): PasswordFileFlag | undefined {
  const at = text.indexOf('=')
  if (at < 0 || at === text.length - 1) return undefined
  const repository = text.slice(0, at)
  return isRepositoryName(repository) ? { repository, file: text.slice(at + 1) } : undefined
}

/** At most two folders; the gateway knows more of what a name may be, and says so when it opens one. */
function isRepositoryName(name: string): boolean {
  return name === '' || /^[^/]+(?:\/[^/]+)?$/.test(name)
}

const sources = {
  'password-file': (file: string): PasswordSource => ({ kind: 'file', file }),
  'password-command': (command: string): PasswordSource => ({ kind: 'command', command }),
  'password-variable': (variable: string): PasswordSource => ({ kind: 'variable', variable }),
} as const
const browsersKey = 'browse-users'
const keys = [...Object.keys(sources), browsersKey]

const mapping = z.record(z.string(), z.unknown())
const word = z.string().min(1)

/** Reads the key `repositories` of a file. Throws a SettingsError that names all problems and shows no value. */
export function readRepositories(written: unknown, file: string): RepositorySettings[] {
  const all = mapping.safeParse(written)
  if (!all.success) {
    throw new SettingsError([`${file}: repositories must be names, each with its keys`])
  }
  const problems: string[] = []
  const repositories = Object.entries(all.data).flatMap(([repository, values]) => {
    const one = readOne(repository, values)
    if (typeof one === 'object') return [one]
    problems.push(`${file}: repository "${repository}" ${one}`)
    return []
  })
  if (problems.length > 0) throw new SettingsError(problems)
  return repositories
}

/** Answers what is wrong where something is. */
function readOne(repository: string, written: unknown): RepositorySettings | string {
  if (!isRepositoryName(repository)) return 'is no name of a repository'
  const values = mapping.safeParse(written)
  if (!values.success) return 'must have keys with values'
  const unknown = Object.keys(values.data).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    const meant = nearest(unknown, keys)
    return `has no setting "${unknown}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`
  }
  const said = Object.entries(sources).filter(([key]) => values.data[key] !== undefined)
  const [only, ...others] = said
  if (only === undefined || others.length > 0) {
    return `must have one of ${Object.keys(sources).join(', ')}`
  }
  const [key, sourceOf] = only
  const value = word.safeParse(values.data[key])
  if (!value.success) return `has a "${key}" that is no word`
  const browsers = z.array(word).optional().safeParse(values.data[browsersKey])
  if (!browsers.success) return `has "${browsersKey}" that is no list of users`
  return { repository, password: sourceOf(value.data), browsers: browsers.data }
}

/** What a flag or a variable says of a repository's password goes before the file's. */
export function mergeRepositories(
  flags: readonly PasswordFileFlag[],
  ofFile: readonly RepositorySettings[],
): RepositorySettings[] {
  const merged = new Map(ofFile.map((each) => [each.repository, each]))
  for (const { repository, file } of flags) {
    const browsers = merged.get(repository)?.browsers
    merged.set(repository, { repository, password: { kind: 'file', file }, browsers })
  }
  return [...merged.values()]
}
