/** Knows the command that runs an unmodified client under a writer tag of its own. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { Command } from 'commander'
import { codeOf, messageOf } from '../program/fault.js'
import { tagCall, type TaggedCall } from './client-call.js'
import { CommandError, exitCodes } from './exit-code.js'
import { tagPattern } from '../program/writer-tag.js'
import { freshTag } from './tagged-address.js'
import { isRemote } from './tagged-remote.js'

const help = `
The tag goes into the address of the repository: rest:http://host/repo becomes
rest:http://host/-/w/TAG/repo. The gateway then knows of each request which run it belongs to, through
every proxy and after every sleep, and no healthy run is ever put off. The address is found where restic
finds it: -r, --repo, --repository-file, RESTIC_REPOSITORY, RESTIC_REPOSITORY_FILE, and the same for the
second repository of "copy" (--from-repo …). An rclone: address gets the tag where the environment says
where it leads, in RCLONE_WEBDAV_URL (rclone::webdav:…) or RCLONE_CONFIG_REMOTE_TYPE=webdav and …_URL:
http://host/-/dav becomes http://host/-/w/TAG/-/dav. Addresses of other kinds have no place for a tag and
are left alone; a command without any address that gets one is refused, since it would run unprotected.

--tag NAME takes 1 to 64 of the characters A-Z a-z 0-9 . _ ~ and -. Two runs at a time must not share a
tag, nor should one take the tag of another that died: without --tag each run gets a fresh one.

Signals are passed on to the client, and its exit code is the exit code (128 and more: a signal ended it;
126, 127: it could not be started). No shell is involved.

Examples:
  $ export RESTIC_REPOSITORY=rest:http://backup.example.org:8000/laptop
  $ lockkeeper run -- restic backup ~/Documents
  $ lockkeeper run --tag "prune-$(date +%s)" -- restic forget --keep-daily 7 --prune`

/** As shells tell that a command cannot be run, or is not there. */
const cannotRun = 126
const notFound = 127

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('run an unmodified restic under a writer tag of its own')
    .description('Runs an unmodified restic under a writer tag of its own.')
    .argument('<COMMAND...>', 'the client and its arguments')
    .option('--tag <NAME>', 'the tag; a fresh one without it')
    .passThroughOptions()
    .addHelpText('after', help)
    .action(async (words: string[], { tag = freshTag() }: { tag?: string }) => {
      if (!tagPattern.test(tag)) {
        const message = `--tag "${tag}": a tag has 1 to 64 of the characters A-Z a-z 0-9 . _ ~ and -`
        throw new CommandError(exitCodes.usage, message)
      }
      process.exitCode = await runClient(tagged(words, tag))
    })
}

function tagged(words: readonly string[], tag: string): TaggedCall {
  const call = { words, environment: process.env }
  const result = tagCall(call, tag, readAddressFile)
  const [other] = result.untagged
  const remote = result.untagged.find(isRemote)
  if (result.tagged > 0) {
    if (remote !== undefined)
      process.stderr.write(`lockkeeper: no tag for ${unknown(remote)}\n`)
    return result
  }
  const found =
    other === undefined
      ? 'the command names no repository (-r, --repository-file or RESTIC_REPOSITORY)'
      : isRemote(other)
        ? unknown(other)
        : `the repository "${withoutPassword(other)}" is not at a REST server`
  const message = `${found}, so there is no address to put a tag into; give a rest: address, or run the client without "lockkeeper run"`
  throw new CommandError(exitCodes.usage, message)
}

function unknown(remote: string): string {
  return `"${remote}": no RCLONE_WEBDAV_URL, nor RCLONE_CONFIG_REMOTE_TYPE and _URL, says that it leads to a WebDAV door (http://host/-/dav), or -o rclone.args may say otherwise`
}

function readAddressFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = `the repository file cannot be read: ${messageOf(error)}`
    throw new CommandError(exitCodes.usage, message, { cause: error })
  }
}

function withoutPassword(address: string): string {
  return address.replace(/:[^:/@]*@/, ':***@')
}

async function runClient({ words, environment }: TaggedCall): Promise<number> {
  const [program = '', ...args] = words
  const child = spawn(program, args, { stdio: 'inherit', env: environment })
  const signals: NodeJS.Signals[] = [
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
    'SIGQUIT',
    'SIGUSR1',
    'SIGUSR2',
  ]
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, pass)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
      })
    })
  } catch (error) {
    const code = codeOf(error) === 'ENOENT' ? notFound : cannotRun
    throw new CommandError(code, `"${program}" cannot be run: ${messageOf(error)}`)
  } finally {
    for (const signal of signals) process.off(signal, pass)
  }
}
