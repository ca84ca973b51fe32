/**
 * Knows how a script is asked. Needs Node alone, so that --help works in a fresh checkout; a script asks here before it
 * fetches or builds anything.
 */
import { parseArgs } from 'node:util'

const wholeFrom = (least) => ({
  read: Number,
  isGood: (number) => Number.isSafeInteger(number) && number >= least,
  words: `a whole number from ${least} on`,
})

/** What an option may take; one without a kind is a switch. */
const kinds = {
  count: wholeFrom(1),
  seed: wholeFrom(0),
  minutes: {
    read: Number,
    isGood: (number) => number > 0 && Number.isFinite(number),
    words: 'a number above 0',
  },
  name: { read: String, isGood: () => true, words: 'a name' },
}

export const newSeed = () => Math.floor(Math.random() * 2 ** 31)

const purposeOf = ({ purpose, variable, standard, otherwise = standard }) => {
  const notes = []
  if (variable !== undefined) notes.push(`environment: ${variable}`)
  if (otherwise !== undefined) notes.push(`default: ${otherwise}`)
  return notes.length === 0 ? purpose : `${purpose} (${notes.join('; ')})`
}

const table = (rows) => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

const describe = ({ name, does, words, options = {}, examples, codes }) => {
  const flags = Object.entries(options).map(([flag, option]) => [
    option.kind === undefined ? `--${flag}` : `--${flag} <${option.kind}>`,
    purposeOf(option),
  ])
  return [
    `Usage: npm run ${name} -- [options]${words === undefined ? '' : ' [word...]'}`,
    does,
    ...(words === undefined ? [] : [`Words:\n  ${words}`]),
    `Options:\n${table([...flags, ['-h, --help', 'say this']])}`,
    `Examples:\n${table(examples.map(([args, what]) => [`npm run ${name}${args}`, what]))}`,
    `Exit codes:\n${table([
      ['0', codes.ok],
      ['1', codes.no],
      ['2', 'options or words cannot be used as they are written'],
    ])}`,
  ].join('\n\n')
}

const parse = (options, allowPositionals, refuse) => {
  const types = Object.entries(options).map(([flag, { kind }]) => [
    flag,
    { type: kind === undefined ? 'boolean' : 'string' },
  ])
  const all = { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } }
  try {
    return parseArgs({ options: all, allowPositionals })
  } catch (error) {
    // What follows the first sentence is advice for other programs.
    return refuse(error.message.split(/\.\s|\n/)[0])
  }
}

const valueOf = ([flag, option], given, refuse) => {
  const { kind, variable, standard } = option
  if (kind === undefined) return given === true
  const fromEnvironment = given === undefined ? process.env[variable ?? ''] : undefined
  const text = fromEnvironment || given
  if (text === undefined) return standard
  const { read, isGood, words } = kinds[kind]
  if (text.trim() !== '' && isGood(read(text))) return read(text)
  return refuse(`${fromEnvironment ? variable : `--${flag}`} "${text}" must be ${words}`)
}

/**
 * Answers the options' values, the words, and `refuse`, which ends the script because of what it was asked. Ends it
 * itself after --help and where an option cannot be used. An option has a `purpose`; one that takes a value has its
 * `kind`, and perhaps a `standard` value, what happens `otherwise`, and the `variable` that may hold it too.
 */
export const readUsage = (usage) => {
  const { name, options = {}, words } = usage
  const refuse = (problem) => {
    console.error(`error: ${problem}; see npm run ${name} -- --help`)
    process.exit(2)
  }
  const { values: given, positionals } = parse(options, words !== undefined, refuse)
  if (given.help) {
    console.log(describe(usage))
    process.exit(0)
  }
  const values = Object.entries(options).map((option) => [
    option[0],
    valueOf(option, given[option[0]], refuse),
  ])
  return { values: Object.fromEntries(values), words: positionals, refuse }
}

/** Those whose name contains one of the words, or all where there are no words. No word may be in vain. */
export const choose = (all, nameOf, { words, refuse }) => {
  const has = (word) => (one) => nameOf(one).includes(word)
  for (const word of words) if (!all.some(has(word))) refuse(`no name contains "${word}"`)
  return words.length === 0 ? all : all.filter((one) => words.some((word) => has(word)(one)))
}
