import test from 'ava'
import type { Command } from 'commander'
import { parseSince } from '../../gateway/cli/journal.js'
import { createProgram } from '../../gateway/cli/program.js'

const allOf = (command: Command): Command[] => [command, ...command.commands.flatMap(allOf)]

const program = await createProgram()

for (const command of allOf(program).slice(1)) {
  const names = [command.parent?.name(), command.name()].join(' ')

  test(`help: "${names}" says what it does and what each of its options is for`, (t) => {
    t.true(command.description().length > 10)
    t.true(command.summary().length > 5)
    for (const option of command.options) t.true(option.description.length > 5, option.flags)
    for (const argument of command.registeredArguments) {
      t.true(argument.description.length > 5, argument.name())
    }
    t.regex(command.helpInformation(), /Usage: lockkeeper/)
  })
}

test('help: all commands of the issue are there', (t) => {
  const names = allOf(program).map((command) => command.name())
  for (const name of [
    'serve',
    'status',
    'end',
    'list',
    'show',
    'export',
    'release',
    'discard',
  ]) {
    t.true(names.includes(name), name)
  }
  for (const name of ['journal', 'verify', 'run', 'fence']) t.true(names.includes(name), name)
})

const now = Date.parse('2026-11-24T12:00:00Z')

test('--since: a position, a length of time, a day or a time', (t) => {
  t.deepEqual(parseSince('120', now), { position: 120 })
  t.deepEqual(parseSince('2h', now), { time: Date.parse('2026-11-24T10:00:00Z') })
  t.deepEqual(parseSince('2026-11-24', now), { time: Date.parse('2026-11-24T00:00:00Z') })
  t.deepEqual(parseSince('2026-11-24T08:30:00Z', now), {
    time: Date.parse('2026-11-24T08:30:00Z'),
  })
})

for (const text of ['', 'yesterday', '-5', '2026-13-40', '24.11.2026', '2h ago']) {
  test(`--since: "${text}" is refused`, (t) => {
    t.throws(() => parseSince(text, now), { message: /length of time/ })
  })
}
