/** Knows an htpasswd file: who may come in with which password. bcrypt and {SHA}, as rest-server takes them. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { compareOnThread, threadsMax } from './bcrypt-threads.js'
import { Failures } from './failures.js'
import { FairTurns } from './fair-turns.js'

export interface PasswordFileOptions {
  readonly file: string
  /** Milliseconds from an arbitrary start; never goes back. */
  readonly monotonic: () => number
  /** Told of each line that was left out, and of a file that cannot be read any more. */
  readonly onProblem: (problem: string) => void
  /** bcrypt's comparison of a password and a hash, unless a test counts them. */
  readonly compare?: (password: string, hash: string) => Promise<boolean>
  /** Logins of one network that may wait for their check. */
  readonly waitingMax?: number
}

export type Verification = 'right' | 'wrong' | 'busy'

interface Check {
  readonly key: string
  readonly password: string
  readonly entry: string | undefined
  readonly network: string
}

/** What a check needs of the file: what it says may not change while bcrypt is at work. */
type Entries = ReadonlyMap<string, string>

/**
 * A verified password is believed until its line in the file changes, so that nobody who is known ever waits behind those
 * who are not. So many of those used last are remembered.
 */
const verifiedMax = 10_000
/** The file is looked at again at most this often. */
const lookAgainMs = 1_000
/** Of all networks together. */
const allWaitingMax = 1024
const defaultWaitingMax = 16
/** Of no password; what stands before it says what it costs to compare. */
const nobodysSalt = 'CwTycUXWue0Thq9StjUM0uJ8kA6sTjV5wQ8C1mBzZ0X2q9hF3n2xS'
const usualCost = '10'
const userPattern = /^[\p{L}\p{N}._@+-]{1,255}$/u

export class PasswordFile {
  readonly #options: Required<PasswordFileOptions>
  #entries: Entries = new Map()
  #version = ''
  #lookedAt = Number.NEGATIVE_INFINITY
  /** Keys are hashes of user, password and the entry that proved them, under a secret of this process. */
  readonly #verified: LRUCache<string, true>
  readonly #secret = randomBytes(32)
  /** Checks under way: the connections of one client come at once with the same password. */
  readonly #checks = new Map<string, Promise<Verification>>()
  readonly #turns: FairTurns
  readonly #failures: Failures

  private constructor(options: Required<PasswordFileOptions>) {
    this.#options = options
    const { monotonic, waitingMax } = options
    this.#verified = new LRUCache({ max: verifiedMax })
    this.#turns = new FairTurns({ atOnce: threadsMax, waitingMax, allWaitingMax })
    this.#failures = new Failures(monotonic)
  }

  /** Reads the file; rejects with Node's own error where it cannot be read, so that a gateway does not start without it. */
  static async open(options: PasswordFileOptions): Promise<PasswordFile> {
    const { compare = compareOnThread, waitingMax = defaultWaitingMax } = options
    const passwords = new PasswordFile({ ...options, compare, waitingMax })
    await passwords.#read(await versionOf(options.file))
    return passwords
  }

  get users(): number {
    return this.#entries.size
  }

  /** Reads the file again if it has changed. One that has become unreadable leaves the last known entries in force. */
  async reload(): Promise<void> {
    const { file, onProblem } = this.#options
    try {
      const version = await versionOf(file)
      if (version !== this.#version) await this.#read(version)
    } catch (error) {
      onProblem(
        `the password file cannot be read, its last contents stay in force: ${String(error)}`,
      )
    }
  }

  /**
   * `wrong` for an unknown user too; `busy` where so many checks of this network wait already that this one was not made.
   */
  async verify(user: string, password: string, network: string): Promise<Verification> {
    await this.#lookAgain()
    const entry = this.#entries.get(user)
    const key = this.#keyOf(user, password, entry ?? '')
    if (entry !== undefined && this.#verified.get(key) === true) return 'right'
    const check = this.#checks.get(key) ?? this.#check({ key, password, entry, network })
    this.#checks.set(key, check)
    return check.finally(() => this.#checks.delete(key))
  }

  async #check({ key, password, entry, network }: Check): Promise<Verification> {
    const verification = await this.#turns.take(network, async () => {
      const isRight = await this.#matches(password, entry ?? nobodysHash(this.#entries))
      if (isRight && entry !== undefined) return 'right'
      // Before the next one from there begins.
      const delayMs = this.#failures.add(network)
      if (delayMs > 0) this.#turns.holdOff(network, delayMs)
      return 'wrong'
    })
    if (verification === 'right') this.#verified.set(key, true)
    return verification ?? 'busy'
  }

  async #matches(password: string, hash: string): Promise<boolean> {
    if (hash.startsWith(shaPrefix)) return matchesSha(password, hash.slice(shaPrefix.length))
    // Apache's name for the same algorithm, which the library does not know.
    return this.#options.compare(password, hash.replace(/^\$2y\$/, '$2b$'))
  }

  async #lookAgain(): Promise<void> {
    const now = this.#options.monotonic()
    if (now - this.#lookedAt < lookAgainMs) return
    this.#lookedAt = now
    await this.reload()
  }

  async #read(version: string): Promise<void> {
    const { entries, problems } = parsePasswords(await readFile(this.#options.file, 'utf8'))
    this.#entries = entries
    this.#version = version
    const mixed = mixedCostsWarning(entries)
    for (const problem of [...problems, ...(mixed ? [mixed] : [])]) {
      this.#options.onProblem(problem)
    }
  }

  #keyOf(user: string, password: string, entry: string): string {
    const parts = JSON.stringify([user, password, entry])
    return createHmac('sha256', this.#secret).update(parts).digest('base64')
  }
}

/** A file that was replaced, or written in place, differs in one of these. */
async function versionOf(file: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file)
  return [ino, size, mtimeMs, ctimeMs].join(' ')
}

/** Lines of `user:hash`; blank lines and comments are passed over, and what is no such line is a problem, told without its hash. */
export function parsePasswords(text: string): { entries: Entries; problems: string[] } {
  const entries = new Map<string, string>()
  const problems: string[] = []
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [user = '', hash = ''] = line.split(':')
    if (!userPattern.test(user)) problems.push(`line ${at + 1}: not a user name`)
    else if (!isKnownHash(hash)) {
      problems.push(
        `line ${at + 1}: the password of "${user}" is neither bcrypt nor {SHA} (htpasswd -B)`,
      )
    } else entries.set(user, hash)
  }
  return { entries, problems }
}

/** What the entries cost to compare, the commonest first: `12` of bcrypt, `SHA`. */
export function costsOf(entries: Entries): string[] {
  const counts = new Map<string, number>()
  for (const hash of entries.values()) {
    const cost = /^\$2[aby]\$(\d\d)\$/.exec(hash)?.[1] ?? 'SHA'
    counts.set(cost, (counts.get(cost) ?? 0) + 1)
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([cost]) => cost)
}

/** Undefined where all cost the same. */
export function mixedCostsWarning(entries: Entries): string | undefined {
  const costs = costsOf(entries)
  if (costs.length < 2) return undefined
  return `passwords are kept at different costs (${costs.join(', ')}), so the time of an answer tells which names exist; renew them with htpasswd -B -C ${costs[0] === 'SHA' ? usualCost : String(Number(costs[0]))}`
}

/** Compared with where a user is unknown, at the cost of most others, so that the time of the answer does not tell. */
function nobodysHash(entries: Entries): string {
  const [cost = usualCost] = costsOf(entries)
  return cost === 'SHA' ? `${shaPrefix}${'A'.repeat(27)}=` : `$2b$${cost}$${nobodysSalt}`
}

const bcryptPattern = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/
const shaPrefix = '{SHA}'

function isKnownHash(hash: string): boolean {
  return bcryptPattern.test(hash) || hash.startsWith(shaPrefix)
}

function matchesSha(password: string, digest: string): boolean {
  const given = createHash('sha1').update(password).digest()
  const wanted = Buffer.from(digest, 'base64')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
