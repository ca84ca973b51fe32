/** Knows the commands about refused writes: what is kept, and what becomes of it. */
import type { Command } from 'commander'
import { formatSize } from '../../config/size.js'
import { AdminError, type Admin } from '../operate/admin/admin.js'
import { printable, printableLines } from '../program/printable.js'
import { displayName } from '../operate/admin/names.js'
import type { ItemView, OverlayView } from '../operate/admin/views.js'
import { CommandError, exitCodes } from './exit-code.js'
import { exportItem } from './export.js'
import { watchInterruption } from './interruption.js'
import { addPath, operate, reasonOption, whoActs } from './operate.js'
import { shortObject } from '../operate/words/short-object.js'
import { columns, localTime, print, printJson } from './output.js'

const listHelp = `
States of an item:
  waiting      nobody could tell yet whose write it is; the client is trying again
  quarantined  refused; the bytes are kept until they are released, discarded, or too old
With --all also: released, discarded, evicted (too old), resolved (committed after all).

Fields of --json, an array:
  id, repository, object, client, writer (or null, see candidates), candidates, reason, generation
  (that the writer saw), currentGeneration (when it was refused), run {by, generation} or null, size,
  kept, tries, time, lastTry, position (in the journal), state

Example:
  $ lockkeeper quarantine list laptop --json | jq -r '.[].id'`

const releaseHelp = `
A pack can always be released: nothing names it. Anything else may lean on what a prune has deleted.
Check the repository with it first: "lockkeeper quarantine overlay" prints the command. After a check
that passed, items are released in this order: packs, indexes, snapshots. To release without it, say
--force, and run "restic check" at once. An object that stands in the repository is never replaced.

Examples:
  $ lockkeeper quarantine release q-4f2a1c --reason "packs of the laptop, wanted by Ann"
  $ lockkeeper quarantine release q-4f2a1c q-88b0e2 --reason "the check of the overlay passed"

The exit code is 1 where one of the items was not released; the others are.`

const overlayHelp = `
An overlay is a repository as it would be with the items released. It can be read, and not changed.
Name all that a run sent: its packs, its indexes and its snapshots. Run the command that is printed
with the password of the repository. The gateway watches: once a run has read the whole, and no pack
or index has left the repository since, "quarantine release" needs no --force. Whether the check
passed only you can see: release nothing after one that failed.

Fields of --json: id, repository, items, path, command, state (unread, reading, read, spoiled),
left (indexes and snapshots still to be read), proof {indexes, snapshots, packs, packsRead} or null

Examples:
  $ lockkeeper quarantine overlay q-4f2a1c q-88b0e2 q-90aa17
  $ restic -r rest:http://127.0.0.1:8000/-/overlay/1f0c9a7b2d3e4f50/laptop/ check --no-lock
  $ lockkeeper quarantine overlay --show 1f0c9a7b2d3e4f50
  $ lockkeeper quarantine release q-4f2a1c q-88b0e2 q-90aa17 --reason "checked"`

const discardHelp = `
Example:
  $ lockkeeper quarantine discard q-4f2a1c --reason "the laptop has backed up again"

The exit code is 1 where one of the items was not discarded; the others are.`

const exportHelp = `
Examples:
  $ lockkeeper quarantine export q-4f2a1c ./q-4f2a1c
  $ lockkeeper quarantine export q-4f2a1c - | sha256sum`

export function addQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .summary('look at refused writes, release or discard them')
    .description('Looks at refused writes, releases or discards them.')
  addList(quarantine)
  addShow(quarantine)
  addExport(quarantine)
  addOverlay(quarantine)
  addRelease(quarantine)
  addDiscard(quarantine)
}

function addList(quarantine: Command): void {
  const command = quarantine
    .command('list')
    .summary('list what is in quarantine')
    .description('Lists what is in quarantine, oldest first.')
    .argument('[REPO]', 'one repository; all of them without it')
    .option('--all', 'also items that are there no more')
    .option('--json', 'for programs')
    .addHelpText('after', listHelp)
  addPath(command).action(
    (repository: string | undefined, { all, json }: { all?: true; json?: true }) =>
      operate(command, async (admin) => {
        const items = await admin.items({ repository, isWhole: all === true })
        if (json) await printJson(items)
        else await print(items.length === 0 ? 'Nothing is in quarantine.\n' : table(items))
        return exitCodes.ok
      }),
  )
}

function addShow(quarantine: Command): void {
  const command = quarantine
    .command('show')
    .summary('tell the story of one item')
    .description('Tells the story of one item.')
    .argument('<ID>', 'the id of the item')
    .option('--json', 'for programs')
  addPath(command).action((id: string, { json }: { json?: true }) =>
    operate(command, async (admin) => {
      const item = await admin.item(id)
      await (json ? printJson(item) : print(story(item)))
      return exitCodes.ok
    }),
  )
}

function addExport(quarantine: Command): void {
  const command = quarantine
    .command('export')
    .summary('copy the exact bytes of an item out')
    .description('Copies the exact bytes of an item out; the item stays.')
    .argument('<ID>', 'the id of the item')
    .argument('<FILE>', 'a file that is not there yet, or - for stdout')
    .addHelpText('after', exportHelp)
  addPath(command).action((id: string, file: string) =>
    operate(command, async (admin) => {
      await exportItem(await admin.bytes(id), file, watchInterruption())
      return exitCodes.ok
    }),
  )
}

function addOverlay(quarantine: Command): void {
  const command = quarantine
    .command('overlay')
    .summary('check a repository as it would be with items released')
    .description('Shows a repository as it would be with items released, for "restic check".')
    .argument('[ID...]', 'the ids of the items')
    .usage('<ID...> [options]')
    .option('--show <OVERLAY>', 'tell what was read of one that is there')
    .option('--json', 'for programs')
    .addHelpText('after', overlayHelp)
  addPath(command).action((ids: string[], { show, json }: { show?: string; json?: true }) =>
    operate(command, async (admin) => {
      if ((ids.length === 0) === (show === undefined)) {
        throw new CommandError(exitCodes.usage, 'name items, or an overlay with --show')
      }
      const overlay = await (show === undefined ? admin.overlay(ids) : admin.overlayOf(show))
      await (json ? printJson(overlay) : print(overlayText(overlay)))
      return exitCodes.ok
    }),
  )
}

function overlayText(overlay: OverlayView): string {
  const { id, items, command, proof } = overlay
  const with_ = items.length === 1 ? 'this item' : `these ${items.length} items`
  const check = `Check it, with the password of the repository:\n  ${command}\n`
  const release = `  lockkeeper quarantine release ${items.join(' ')} --reason "..."\n`
  if (proof !== null) {
    const read = `${proof.indexes} indexes and ${proof.snapshots} snapshots`
    return `A run has read the whole of it: ${read}. If its check passed, release ${with_}:\n${release}`
  }
  return `${overlayWords[overlay.state]}\n${check}Then see what was read, and release:\n  lockkeeper quarantine overlay --show ${id}\n${release}`
}

const overlayWords: Readonly<Record<OverlayView['state'], string>> = {
  unread: 'Nobody has read it yet.',
  reading: 'A run reads it, or has left before the end.',
  read: 'A run has read the whole of it.',
  spoiled:
    'Packs or indexes have left the repository since it was read: it has to be read once more.',
}

function addRelease(quarantine: Command): void {
  const command = quarantine
    .command('release')
    .summary('commit items to their repository after all')
    .description('Commits items to their repository after all.')
    .argument('<ID...>', 'the ids of the items')
    .usage('<ID...> --reason <TEXT> [options]')
    .addOption(reasonOption())
    .option('--force', 'release what cannot be proved')
    .addHelpText('after', releaseHelp)
  addPath(command).action(
    (ids: string[], { reason, force }: { reason: string; force?: true }) => {
      const act = { by: whoActs(), reason, isForced: force === true }
      return operate(command, async (admin) => {
        return each(await inOrder(ids, admin), admin, (id) => admin.release(id, act))
      })
    },
  )
}

function addDiscard(quarantine: Command): void {
  const command = quarantine
    .command('discard')
    .summary('drop items and their bytes')
    .description('Drops items and their bytes; their story stays in the journal.')
    .argument('<ID...>', 'the ids of the items')
    .usage('<ID...> --reason <TEXT> [options]')
    .addOption(reasonOption())
    .addHelpText('after', discardHelp)
  addPath(command).action((ids: string[], { reason }: { reason: string }) => {
    const act = { by: whoActs(), reason }
    return operate(command, (admin) => each(ids, admin, (id) => admin.discard(id, act)))
  })
}

const releaseOrder = ['data/', 'index/', 'snapshots/']

/** What others lean on comes first. One that is not there is told so at its turn. */
async function inOrder(ids: readonly string[], admin: Admin): Promise<string[]> {
  const rankOf = async (id: string): Promise<readonly [string, number]> => {
    const item = ids.length === 1 ? undefined : await admin.item(id).catch(() => undefined)
    return [id, releaseOrder.findIndex((type) => item?.object.startsWith(type) === true)]
  }
  const ranked = await Promise.all(ids.map(rankOf))
  return ranked.sort(([, one], [, other]) => one - other).map(([id]) => id)
}

/** One that is refused does not keep the others. A single one is refused as itself, with its own exit code. */
async function each(
  ids: readonly string[],
  _admin: Admin,
  act: (id: string) => Promise<ItemView>,
): Promise<number> {
  let failed = 0
  for (const id of new Set(ids)) {
    try {
      const { state, object, repository } = await act(id)
      await print(`${id}: ${state} (${object} of ${displayName(repository)})\n`)
    } catch (error) {
      if (!(error instanceof AdminError) || ids.length === 1) throw error
      failed += 1
      console.error(printableLines(`lockkeeper: ${error.message}`))
    }
  }
  if (failed === 0) return exitCodes.ok
  throw new CommandError(exitCodes.no, `${failed} of ${ids.length} items were left as they are`)
}

function table(items: readonly ItemView[]): string {
  const head = [
    'ID',
    'REPOSITORY',
    'OBJECT',
    'SIZE',
    'REASON',
    'WRITER',
    'TRIES',
    'TIME',
    'STATE',
  ]
  const rows = items.map((item) => [
    item.id,
    displayName(item.repository),
    shortObject(item.object),
    item.kept ? formatSize(item.size) : '-',
    item.reason,
    item.writer ?? 'unknown',
    String(item.tries),
    localTime(item.time),
    item.state,
  ])
  return columns(head, rows)
}

function story(item: ItemView): string {
  const { run } = item
  const by = run === null ? '-' : `generation ${run.generation}, by ${run.by ?? 'an operator'}`
  const lines = [
    ['item', item.id],
    ['state', item.state],
    ['repository', displayName(item.repository)],
    ['object', item.object],
    ['size', `${item.size} bytes${item.kept ? '' : ', not kept'}`],
    ['reason', item.reason],
    ['client', item.client],
    ['writer', item.writer ?? `unknown: one of ${item.candidates.join(', ') || 'none'}`],
    ['generation', `${item.generation} (the repository was at ${item.currentGeneration})`],
    ['overtaken by', by],
    ['tries', `${item.tries}, the last at ${localTime(item.lastTry)}`],
    ['time', localTime(item.time)],
    ['journal', `position ${item.position}`],
  ]
  const told = lines.map(
    ([name = '', value = '']) => `${`${name}:`.padEnd(15)}${printable(value)}\n`,
  )
  return `${told.join('')}\n${whatNow(item)}`
}

/** What to do about an item, in words for the operator. */
function whatNow(item: ItemView): string {
  const { id, state, object } = item
  if (state === 'waiting')
    return 'What now: nothing. Its client tries again, until it is sure whose write it is.\n'
  if (state !== 'quarantined') return `What now: nothing; it is ${state}.\n`
  const discard = `  lockkeeper quarantine discard ${id} --reason "..."\n`
  const again = `What now: let the client run again; it saves what is new. Then this is not needed any more:\n${discard}`
  if (!item.kept) return again
  const release = `  lockkeeper quarantine release ${id} --reason "..."`
  if (object.startsWith('data/'))
    return `${again}A pack harms nothing, and may be released:\n${release}\n`
  const risk =
    'It may rest on what a prune has deleted. If it is needed all the same, check the repository with it first:'
  return `${again}${risk}\n  lockkeeper quarantine overlay ${id}\n${release}\n`
}
