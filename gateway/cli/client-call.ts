/** Knows where a restic command names its repositories, and how each of these gets the writer tag. */
import { tagAddress } from './tagged-address.js'
import { isRemote, tagRemote } from './tagged-remote.js'

export interface ClientCall {
  /** The program and its arguments. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface TaggedCall extends ClientCall {
  /** How many addresses got the tag. */
  readonly tagged: number
  /** What names a repository whose address has no place for a tag, or is not known. */
  readonly untagged: readonly string[]
}

interface Spelling {
  readonly flag: string
  readonly variable: string
  readonly fileFlag: string
  readonly fileVariable: string
}

/** restic's own, and those of `copy` and `init --from-repo` for the second repository, old and new. */
const spellings: readonly Spelling[] = [
  {
    flag: '--repo',
    variable: 'RESTIC_REPOSITORY',
    fileFlag: '--repository-file',
    fileVariable: 'RESTIC_REPOSITORY_FILE',
  },
  {
    flag: '--from-repo',
    variable: 'RESTIC_FROM_REPOSITORY',
    fileFlag: '--from-repository-file',
    fileVariable: 'RESTIC_FROM_REPOSITORY_FILE',
  },
  {
    flag: '--repo2',
    variable: 'RESTIC_REPOSITORY2',
    fileFlag: '--repository-file2',
    fileVariable: 'RESTIC_REPOSITORY_FILE2',
  },
]

/** restic's flags of one letter that take no value, which may stand before an `r` in one word: `-qr ADDRESS`. */
const shortRepository = /^(-[qvnfxl]*r)(=?)(.*)$/s

/** Throws what `readFile` throws. */
export function tagCall(
  call: ClientCall,
  tag: string,
  readFile: (file: string) => string,
): TaggedCall {
  const tagging = new Tagging(call, tag, readFile)
  return tagging.result(tagging.tagWords(call.words))
}

class Tagging {
  readonly #environment: Record<string, string | undefined>
  readonly #tag: string
  readonly #readFile: (file: string) => string
  /** The repositories that a flag names: the variables of these do not count. */
  readonly #flagged = new Set<Spelling>()
  readonly #untagged = new Set<string>()
  /** restic is told how to start rclone, which may name another address than the variables do. */
  readonly #setsRclone: boolean
  #tagged = 0

  constructor(call: ClientCall, tag: string, readFile: (file: string) => string) {
    this.#environment = { ...call.environment }
    this.#tag = tag
    this.#readFile = readFile
    this.#setsRclone = call.words.some((word) => /rclone\.(?:args|program)/i.test(word))
  }

  result(words: readonly string[]): TaggedCall {
    for (const spelling of spellings) {
      if (!this.#flagged.has(spelling)) this.#tagVariables(spelling)
    }
    const environment = this.#environment
    return { words, environment, tagged: this.#tagged, untagged: [...this.#untagged] }
  }

  /** The program comes first; after `--` all are names of files. */
  tagWords(words: readonly string[]): string[] {
    const end = words.indexOf('--', 1)
    const flags = words.slice(1, end < 0 ? words.length : end)
    const rest = end < 0 ? [] : words.slice(end)
    const tagged: string[] = []
    for (let at = 0; at < flags.length; at += 1) {
      const word = flags[at] ?? ''
      const found = findFlag(word)
      if (found === undefined) {
        tagged.push(word)
        continue
      }
      const { spelling, before, isFile } = found
      const isSplit = found.value === undefined
      if (isSplit) at += 1
      const value = found.value ?? flags[at]
      this.#flagged.add(spelling)
      if (value === undefined) tagged.push(word)
      else if (isFile) this.#tagFile(spelling, value)
      else if (isSplit) tagged.push(word, this.#put(value))
      else tagged.push(`${before}${this.#put(value)}`)
    }
    return [...words.slice(0, 1), ...tagged, ...rest]
  }

  #tagVariables(spelling: Spelling): void {
    const address = this.#environment[spelling.variable]
    const file = this.#environment[spelling.fileVariable]
    if (address !== undefined && address !== '') {
      this.#environment[spelling.variable] = this.#put(address)
    } else if (file !== undefined && file !== '') {
      this.#tagFile(spelling, file)
    }
  }

  /** The address goes where no other user of this machine can read it: it may hold a password. */
  #tagFile({ variable, fileVariable }: Spelling, file: string): void {
    this.#environment[variable] = this.#put(this.#readFile(file).trim())
    this.#environment[fileVariable] = undefined
  }

  #put(address: string): string {
    if (isRemote(address)) return this.#putRemote(address)
    const tagged = tagAddress(address, this.#tag)
    if (tagged === undefined) this.#untagged.add(address)
    else this.#tagged += 1
    return tagged ?? address
  }

  /** Where a remote leads stands in the environment, so that is where the tag goes. */
  #putRemote(address: string): string {
    const remote = this.#setsRclone
      ? undefined
      : tagRemote(address, this.#tag, this.#environment)
    if (remote === undefined) this.#untagged.add(address)
    else {
      this.#environment[remote.variable] = remote.url
      this.#tagged += 1
    }
    return address
  }
}

interface FoundFlag {
  readonly spelling: Spelling
  readonly isFile: boolean
  /** What stands before the value in the same word. */
  readonly before: string
  /** Undefined where the value is the next word. */
  readonly value?: string
}

function findFlag(word: string): FoundFlag | undefined {
  const [own] = spellings
  const short = shortRepository.exec(word)
  if (short !== null && own !== undefined) {
    const [, flag = '', equals = '', value = ''] = short
    const found = { spelling: own, isFile: false, before: `${flag}${equals}` }
    return equals === '' && value === '' ? found : { ...found, value }
  }
  for (const spelling of spellings) {
    for (const flag of [spelling.flag, spelling.fileFlag]) {
      const found = { spelling, isFile: flag === spelling.fileFlag, before: `${flag}=` }
      if (word === flag) return found
      if (word.startsWith(`${flag}=`)) return { ...found, value: word.slice(flag.length + 1) }
    }
  }
  return undefined
}
