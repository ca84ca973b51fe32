#!/usr/bin/env -S node --max-semi-space-size=2
/** Knows how the program begins and ends: what was typed becomes a command, and what went wrong an exit code. */
import { CommanderError } from 'commander'
import { SettingsError } from '../../config/settings-error.js'
import { keepHeapSmall, unoptimised } from '../program/heap.js'
import { CommandError, exitCodes } from './exit-code.js'
import { createProgram } from './program.js'
import { printableLines } from '../program/printable.js'
import { StartError } from '../program/start-error.js'

const leaveMs = 2_000

keepHeapSmall()

// Whoever read the output has gone ("| head"): nothing is left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  const program = await unoptimised(() => createProgram(process.argv[2]))
  await program.parseAsync()
} catch (error) {
  process.exitCode = explain(error)
  // What a start that failed may have left open does not keep the program.
  setTimeout(() => process.exit(), leaveMs).unref()
}

function explain(error: unknown): number {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof SettingsError || error instanceof StartError) {
    for (const problem of error.problems)
      console.error(printableLines(`lockkeeper: ${problem}`))
    return error instanceof StartError ? exitCodes.unavailable : exitCodes.usage
  }
  if (error instanceof CommandError) {
    console.error(printableLines(`lockkeeper: ${error.message}`))
    return error.exitCode
  }
  console.error('lockkeeper: this is a bug; please report it with what follows.')
  console.error(error)
  return exitCodes.bug
}
