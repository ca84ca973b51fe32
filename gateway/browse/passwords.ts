/** Asks for a repository's password at the place that the settings name. No message holds any of it. */
import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { PasswordSource } from '../../config/repository-settings.js'

const bytesMax = 64 * 1024
const commandMsMax = 30_000

/** Why a password cannot be had. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError'
}

/** As restic reads it: without white space around it. */
export async function readPassword(
  source: PasswordSource,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Buffer> {
  const password = Buffer.from(
    (await textOf(source, environment)).replace(/^\ufeff/, '').trim(),
  )
  if (password.length === 0) throw new PasswordError(`${describe(source)} has no password`)
  return password
}

export function describe(source: PasswordSource): string {
  switch (source.kind) {
    case 'file':
      return `the file ${source.file}`
    case 'command':
      return 'the command for the password'
    case 'variable':
      return `the variable ${source.variable}`
  }
}

async function textOf(source: PasswordSource, environment: NodeJS.ProcessEnv): Promise<string> {
  switch (source.kind) {
    case 'file':
      return readBounded(source.file)
    case 'variable':
      return environment[source.variable] ?? ''
    case 'command':
      return outputOf(source.command)
  }
}

async function readBounded(file: string): Promise<string> {
  try {
    const opened = await open(file)
    try {
      const buffer = Buffer.alloc(bytesMax)
      const { bytesRead } = await opened.read(buffer, 0, bytesMax, 0)
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await opened.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new PasswordError(`the file ${file} cannot be read (${code})`)
  }
}

async function outputOf(command: string): Promise<string> {
  try {
    const options = { timeout: commandMsMax, maxBuffer: bytesMax }
    return (await promisify(execFile)('/bin/sh', ['-c', command], options)).stdout
  } catch {
    // Its error holds what it printed.
    throw new PasswordError('the command for the password failed')
  }
}
