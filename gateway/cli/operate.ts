/** Knows what all commands that ask about a folder share: reaching it, and who is asking. */
import { userInfo } from 'node:os'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { loadFolders } from '../../config/gateway-settings.js'
import { commonOptions } from '../../config/schema.js'
import { AdminError, type Admin } from '../operate/admin/admin.js'
import type { Reached } from '../operate/admin/reach.js'
import { CommandError, exitCodes } from './exit-code.js'
import { addOptions, askedBy } from './options.js'

/** The command takes `--path`, `--state` and `--config`, and its action reaches the state of that folder. */
export function addPath(command: Command): Command {
  return addOptions(command, commonOptions)
}

/** What an action does with the state; the answer is the exit code. */
export type Operation = (admin: Admin, reached: Reached) => Promise<number>

export async function operate(command: Command, operation: Operation): Promise<void> {
  const folders = loadFolders(askedBy(command, commonOptions))
  // What asks for nothing starts without it.
  const { reachAdmin } = await import('../operate/admin/reach.js')
  const reached = await reachAdmin(folders, nameOf(command))
  try {
    process.exitCode = await operation(reached.admin, reached)
  } catch (error) {
    throw error instanceof AdminError ? toCommandError(error) : error
  } finally {
    await reached.close()
  }
}

/** `quarantine release` … */
function nameOf(command: Command): string {
  const { parent } = command
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name()
}

export function toCommandError(error: AdminError): CommandError {
  return new CommandError(exitCodeOf(error), error.message, { cause: error })
}

function exitCodeOf({ code }: AdminError): number {
  switch (code) {
    case 'unknown':
    case 'refused':
    case 'forbidden':
      return exitCodes.no
    case 'malformed':
      return exitCodes.usage
    case 'unavailable':
      return exitCodes.unavailable
  }
}

/** Why something is done, as it will stand in the journal. */
export function reasonOption(): Option {
  const help = 'why (required); it stands in the journal, beside who you are'
  const option = new Option('--reason <TEXT>', help).makeOptionMandatory()
  return option.argParser((text) => {
    if (text.trim() !== '') return text
    throw new InvalidArgumentError('Say why.')
  })
}

/** The name and number of the user, and who became this user, for the journal. */
export function whoActs(): string {
  const { username, uid } = userInfo()
  const { SUDO_USER: before } = process.env
  return before === undefined
    ? `${username} (uid ${uid})`
    : `${username} (uid ${uid}, sudo by ${before})`
}
