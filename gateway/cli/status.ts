/** The commands that show who is writing where, and that end a writer. */
import type { Command } from 'commander'
import { formatSize } from '../../config/size.js'
import { printable } from '../program/printable.js'
import { displayName, noConfig } from '../operate/admin/names.js'
import type { RepositoryView, UnfencedView, WriterView } from '../operate/admin/views.js'
import { exitCodes } from './exit-code.js'
import { addPath, operate, whoActs } from './operate.js'
import { columns, localTime, print, printJson } from './output.js'

const statusHelp = `
States of a writer:
  current   nothing has overtaken it, and it may live
  sleeper   nothing has overtaken it, and this gateway saw it fall silent: asleep, or dead
  stale     another writer's prune or repair has overtaken it: what it still writes is quarantined
  broken    its own prune was refused once: whatever else it tries to change is refused too
  gone      its client has closed everything, and it wrote nothing (unlock, a monitor) or was told that it is stale or broken

SILENT says "seen" where the gateway itself has run for ten minutes without a request that may be
the writer's; a restart does not count as silence. Such a writer may be ended ("lockkeeper writers
end ID") once you know that its process is dead; no other should be. FROM is the connection on which
it was surely heard last: an address and port, or a proxy's name for it. A run that has ended is not
listed any more.

Fields of --json, an array with one object for each repository:
  name, generation, writers[] (id, client, user or null, address, tag or null, generation, state,
  locks, lastSeen, connection {from, time} or null, silent), locks,
  hasConfig, quarantined {count, bytes}, maintenance {writer, generation, since} or null, fault or null,
  adopted (when this journal came to know it) or null, outside {time, vanished, appeared} or null,
  fencing (enforce or observe), passed {REASON: how often it was let through while observing},
  plainFiles (whether files beside the repositories are served, unfenced; null: no gateway runs)

Examples:
  $ lockkeeper status
  $ lockkeeper status laptop --json | jq '.[0].writers'

The exit code is 1 where the journal of a repository cannot be read.`

const endHelp = `
A writer that is asleep or dead makes requests ambiguous that may be its own. "lockkeeper status" says
where it was last heard, and whether it has fallen silent. Once you know that its process is gone, say so. A living writer that is taken for ended can damage the repository; one
that is heard of again is revived.

Examples:
  $ lockkeeper status
  $ lockkeeper writers end w-1f3a9c2e`

export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .summary('show generations, writers, locks and what is in quarantine')
    .description('Shows generations, writers, locks and what is in quarantine.')
    .argument('[REPO]', 'one repository, by its path below the folder; all of them without it')
    .option('--json', 'for programs')
    .addHelpText('after', statusHelp)
  addPath(command).action((name: string | undefined, { json }: { json?: true }) =>
    operate(command, async (admin) => {
      const views = await admin.status(name)
      if (json) await printJson(views)
      else {
        const shown = views.length === 0 ? 'No repository yet.\n' : views.map(show).join('\n')
        await print(shown + showUnfenced(name === undefined ? await admin.unfenced() : null))
      }
      return views.some(({ fault }) => fault !== null) ? exitCodes.no : exitCodes.ok
    }),
  )
}

export function addWriters(program: Command): void {
  const writers = program
    .command('writers')
    .summary('end a writer that is dead')
    .description('What can be done about writers; "lockkeeper status" lists them.')
  const command = writers
    .command('end')
    .summary('say that the process of a writer is gone')
    .description(
      'Says that the process of a writer is gone; its locks leave the repository with it.',
    )
    .argument('<ID>', 'the id of a writer, as "lockkeeper status" shows it')
    .addHelpText('after', endHelp)
  addPath(command).action((id: string) =>
    operate(command, async (admin) => {
      const was = await admin.endWriter(id, whoActs())
      await print(`${was.id} of ${displayName(was.repository)} has ended.\n`)
      if (!was.silent && was.state !== 'gone') {
        const seen = localTime(was.lastSeen)
        console.error(
          `lockkeeper: warning: it was heard of at ${seen} and not seen silent since; if it still lives, stop it`,
        )
      }
      return exitCodes.ok
    }),
  )
}

function showUnfenced(view: UnfencedView): string {
  if (view === null) return ''
  const others = view.count - view.names.length
  const names = [
    ...view.names.map(printable),
    ...(others > 0 ? [`and ${others} more`] : []),
  ].join(', ')
  const what = names === '' ? 'none at the top of the folder yet' : names
  return `\nUNFENCED (--plain-files): whatever is no repository; ${what}\n`
}

function show(view: RepositoryView): string {
  const { name, generation, locks, quarantined, maintenance, fault, writers } = view
  const lines = [`${displayName(name)}: generation ${generation}, ${count(locks, 'lock')}`]
  if (fault !== null) lines.push(`  NOTHING IS COMMITTED: ${fault}`)
  if (!view.hasConfig) lines.push(`  ${noConfig}`)
  if (view.adopted !== null) {
    lines.push(`  known to this gateway since ${localTime(view.adopted)}`)
  }
  if (view.outside !== null) {
    const { time, vanished, appeared } = view.outside
    const what = `${vanished} objects vanished, ${appeared} appeared`
    lines.push(`  USED PAST THE GATEWAY, found at ${localTime(time)}: ${what}`)
  }
  if (view.fencing === 'observe') {
    lines.push('  NOTHING IS PROTECTED: the gateway only observes (--fencing observe)')
  }
  const passed = Object.entries(view.passed).map(([reason, times]) => `${times} ${reason}`)
  if (passed.length > 0) lines.push(`  let through while observing: ${passed.join(', ')}`)
  if (quarantined.count > 0) {
    const bytes = formatSize(quarantined.bytes)
    lines.push(`  in quarantine: ${count(quarantined.count, 'item')}, ${bytes}`)
  }
  if (maintenance !== null) {
    const since = localTime(maintenance.since)
    lines.push(`  maintenance by ${maintenance.writer} since ${since}`)
  }
  const gone = writers.filter(({ state }) => state === 'gone')
  const others = writers.filter(({ state }) => state !== 'gone')
  const end = gone.length === 0 ? '' : `  gone (nothing to do):\n${tableOf(gone)}`
  return `${lines.join('\n')}\n${tableOf(others)}${end}`
}

function tableOf(writers: readonly WriterView[]): string {
  if (writers.length === 0) return ''
  const rows = writers.map((writer) => [
    writer.id,
    writer.state,
    String(writer.generation),
    String(writer.locks),
    localTime(writer.lastSeen),
    writer.silent ? 'seen' : '-',
    writer.connection?.from ?? '-',
    writer.client,
    writer.tag ?? '-',
  ])
  const head = [
    ...['WRITER', 'STATE', 'GENERATION', 'LOCKS', 'LAST HEARD', 'SILENT', 'FROM'],
    ...['CLIENT', 'TAG'],
  ]
  return columns(head, rows).replace(/^(?=.)/gm, '  ')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
