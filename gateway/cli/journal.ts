/** The commands that read journals and prove them. */
import type { Command } from 'commander'
import { parseDuration } from '../../config/duration.js'
import { AdminError, type Admin, type JournalQuestion } from '../operate/admin/admin.js'
import { displayName } from '../operate/admin/names.js'
import type { ArchiveView, RecordView, VerificationView } from '../operate/admin/views.js'
import { printable } from '../program/printable.js'
import { recordsBeforeSealing } from '../gate/sealing-limit.js'
import { CommandError, exitCodes } from './exit-code.js'
import { eitherSignal } from '../program/either-signal.js'
import { watchInterruption } from './interruption.js'
import { addPath, operate } from './operate.js'
import { localTime, print, printJson } from './output.js'

const journalHelp = `
--since takes a length of time (2h: what was recorded in the last two hours), an ISO time
(2026-11-24T08:00:00Z), or a position (120: from record 120 on).
--follow goes on with what is recorded while a gateway runs, until Ctrl-C.
--json prints one JSON object a line: repository, position, time, hash, kind,
sentence, and the event's own fields.

What the words mean (a writer is one run of a program, as far as the gateway can tell):
  adopted    the gateway came to know a repository that stood there already
  opened     a writer began: it asked for the config
  looked     a writer read lists: from here on it relies on what it saw
  committed  an object was written             deleted    an object was deleted
  owned      it became known whose lock it is  answered   its writer surely heard that it is saved
  narrowed   evidence took writers out of those that may have sent what is recorded under one sender
  retracted  a failed upload was taken back before the next try; nothing changed
  refused    a write was not let in: stale (a prune overtook its writer), conflict (others wrote since the
             prune began), unseen (no run that this gateway saw begin), ambiguous (not sure whose it is)
  knocked    a write was put off ("try again", 503) until it is sure whose it is
  passed     --fencing observe let through what would have been refused
  ended      a writer ended: it let go of its locks, was silent, or an operator said so
  revived    a writer that was taken for ended was heard of again
  heard      a writer asked for something that changes nothing; once an hour at most
  released, discarded, evicted   what became of a refused write in quarantine
  outside    the folder was used past the gateway
  fenced     an operator raised the generation
  sealed     old records moved into an archive
The generation of a repository goes up by one with each prune or repair; a writer from before one is stale.

Examples:
  $ lockkeeper journal laptop --since 2h
  $ lockkeeper journal --follow --json | jq -c 'select(.kind == "refused")'`

const verifyHelp = `
Each record's hash covers the record before it, so one that was changed, taken out or put in between is
found. Records cut off at the end are found by a head that you noted elsewhere: note what this command
prints, and give it later as --head.

Examples:
  $ lockkeeper journal verify
  $ lockkeeper journal verify laptop --head 5d41402abc4b2a76b9719d911017c592ae2f5d41402abc4b2a76b9719d911017

The exit code is 1 where a record is bad, or the head is in none of the journals.`

const archiveHelp = `
Seals all records before the oldest view of a living writer: they go from the journal into one compressed
file in DIR/.lockkeeper/archive/, and the journal goes on from the state that they come to. The chain of
hashes runs through the archives, and "journal" and "journal verify" read them as if nothing had moved.
A gateway does it on its own, for each repository, once ${recordsBeforeSealing} records can be sealed.
Keep the files: one that is missing is found by "journal verify". Nothing else needs them.

Examples:
  $ lockkeeper journal archive
  $ lockkeeper journal archive laptop --json`

interface JournalFlags {
  readonly since?: string
  readonly follow?: true
  readonly json?: true
}

export function addJournal(program: Command): void {
  const command = program
    .command('journal')
    .summary('read what happened, or prove that nothing was tampered with')
    .description('Reads what changed repositories, or tried to.')
    .argument('[REPO]', 'one repository; all of them, merged by time, without it')
    .option('--since <T>', 'not from the beginning')
    .option('--follow', 'go on with what is recorded later')
    .option('--json', 'for programs')
    .addHelpText('after', journalHelp)
  addPath(command).action((repository: string | undefined, flags: JournalFlags) => {
    const since = flags.since === undefined ? {} : parseSince(flags.since, Date.now())
    const question = { repository, isFollowed: flags.follow === true, ...since }
    return operate(command, async (admin, { isServed }) => {
      if (question.isFollowed && !isServed) {
        const message = 'no gateway runs here, so nothing is recorded that could be followed'
        throw new CommandError(exitCodes.unavailable, message)
      }
      return readJournal(admin, question, flags.json === true)
    })
  })
  addVerify(command)
  addArchive(command)
}

function addVerify(journal: Command): void {
  const command = journal
    .command('verify')
    .summary('prove the chain of hashes')
    .description('Proves the chain of hashes, and prints the head to note elsewhere.')
    .argument('[REPO]', 'one repository; all of them without it')
    .option('--head <HASH>', 'a head that was noted: it must still be in the chain')
    .option('--json', 'for programs')
    .addHelpText('after', verifyHelp)
  addPath(command).action(
    (repository: string | undefined, { head, json }: { head?: string; json?: true }) => {
      if (head !== undefined && !/^[0-9a-f]{64}$/i.test(head)) {
        throw new CommandError(exitCodes.usage, `--head "${head}": a head has 64 hex digits`)
      }
      const question = { repository, head: head?.toLowerCase() }
      return operate(command, async (admin) => {
        const views = await verified(admin, question)
        if (json) await printJson(views)
        else await print(views.length === 0 ? 'No journal yet.\n' : views.map(show).join(''))
        return judge(views, question.head)
      })
    },
  )
}

function addArchive(journal: Command): void {
  const command = journal
    .command('archive')
    .summary('seal what no living writer leans on any more')
    .description('Moves records from the journal into compressed archives.')
    .argument('[REPO]', 'one repository; all of them without it')
    .option('--json', 'for programs')
    .addHelpText('after', archiveHelp)
  addPath(command).action((repository: string | undefined, { json }: { json?: true }) =>
    operate(command, async (admin) => {
      const views = await admin.archive({ repository })
      if (json) await printJson(views)
      else
        await print(views.length === 0 ? 'No journal yet.\n' : views.map(showArchive).join(''))
      return exitCodes.ok
    }),
  )
}

function showArchive({ repository, records, archive }: ArchiveView): string {
  const name = displayName(repository)
  if (archive === null) return `${name}: nothing to seal before the oldest living view\n`
  return `${name}: ${records} records sealed into ${archive}\n`
}

/** A journal that cannot be read at all is one that was tampered with, as far as anybody can tell. */
async function verified(
  admin: Admin,
  question: { repository: string | undefined; head: string | undefined },
): Promise<VerificationView[]> {
  try {
    return await admin.verify(question)
  } catch (error) {
    if (!(error instanceof AdminError) || error.code !== 'unavailable') throw error
    throw new CommandError(exitCodes.no, error.message, { cause: error })
  }
}

function judge(views: readonly VerificationView[], head: string | undefined): number {
  if (views.some(({ bad }) => bad !== null)) return exitCodes.no
  if (head === undefined || views.some(({ hasHead }) => hasHead === true)) return exitCodes.ok
  console.error(
    `lockkeeper: the head ${head} is in none of these journals: records were taken out since it was noted, or it is another journal's`,
  )
  return exitCodes.no
}

function show({ repository, records, head, bad }: VerificationView): string {
  const name = displayName(repository)
  if (bad === null) return `${name}: ${records} records, head ${head}\n`
  return `${name}: BAD at record ${bad.position}: ${bad.why}; the ${records} records before it are sound\n`
}

export function parseSince(
  text: string,
  now: number,
): Pick<JournalQuestion, 'position' | 'time'> {
  if (/^\d{1,15}$/.test(text)) return { position: Number(text) }
  const duration = parseDuration(text)
  if (duration !== undefined) return { time: now - duration }
  const time = /^\d{4}-\d{2}-\d{2}(?:T|$)/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return { time }
  throw new CommandError(
    exitCodes.usage,
    `--since "${text}": give a length of time (2h), an ISO time (2026-11-24T08:00:00Z) or a position (120)`,
  )
}

async function readJournal(
  admin: Admin,
  question: JournalQuestion,
  isJson: boolean,
): Promise<number> {
  const gone = new AbortController()
  process.stdout.once('close', () => gone.abort())
  const { signal: ending } = eitherSignal(watchInterruption(), gone.signal)
  for await (const record of admin.journal(question, ending)) {
    if (ending.aborted) break
    await print(isJson ? `${JSON.stringify(record)}\n` : line(record))
  }
  if (question.isFollowed && !ending.aborted) {
    throw new CommandError(exitCodes.unavailable, 'the gateway has ended; nothing is recorded')
  }
  return exitCodes.ok
}

function line(record: RecordView): string {
  const { repository, position, time, kind } = record
  const sentence = printable(record.sentence)
  const place = `${localTime(time)}  ${displayName(repository)} ${position}`
  return `${place}  ${kind.padEnd(9)}  ${sentence}\n`
}
