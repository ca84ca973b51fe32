/** What clients call themselves does nothing to a terminal. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { columns } from '../../gateway/cli/output.js'
import { recordSentence } from '../../gateway/operate/words/record-sentence.js'
import { printable, printableLines } from '../../gateway/program/printable.js'

const evil = 'a\u009b31m\u0085\u202eb\u2028\u200f\ud800\x1b[2J'

test('what is not printable is escaped, as JSON does it, and the rest stays', (t) => {
  const shown = printable(`${evil}\n`)
  t.regex(shown, /^[\x20-\x7e]+$/)
  t.is(JSON.parse(`"${shown}"`), `${evil}\n`)
  t.is(printable('Ärger 日本 🎉'), 'Ärger 日本 🎉')
  t.is(printableLines(`${evil}\nb\n`).split('\n').length, 3)
  t.is(printable(shown), shown)
})

test('columns and records are printed without it', (t) => {
  t.regex(columns(['A', 'B'], [[`${evil}\n`, 'x']]), /^A +B\n[\x20-\x7e]+ {2}x\n$/)
  const client = { user: `${evil}\n`, address: '::1' }
  const record = { kind: 'opened', writer: 'w-1', client, tag: evil, view: 1 }
  t.regex(printable(recordSentence(JSON.stringify(record))), /^w-1 began[\x20-\x7e]+$/)
})

for (const format of ['json', 'pretty'] as const) {
  test(`the log is written without it: ${format}`, (t) => {
    const file = new URL('../../gateway/program/logger.js', import.meta.url).href
    const program =
      `const { createLogger } = await import(${JSON.stringify(file)});` +
      `createLogger({ level: 'info', format: '${format}' }).warn({ name: ${JSON.stringify(evil)} }, 'said')`
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program])
    const text = stderr.toString()
    t.regex(text, /said/)
    t.regex(text, /^[\x20-\x7e\n]+$/)
  })
}
