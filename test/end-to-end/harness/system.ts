/** Knows which programs of the system tests may use; `scripts/system.mjs` brings them where it can. */
import { existsSync } from 'node:fs'
import { testWhere } from './test-with.js'

export const programs = {
  litmus: '/usr/bin/litmus',
  'mount.davfs': '/usr/sbin/mount.davfs',
  cadaver: '/usr/bin/cadaver',
} as const
export type ProgramName = keyof typeof programs

/** AVA's `test`, serial, or its visible skip where one of the programs is missing. */
export const testWithProgram = (
  name: ProgramName,
  ...files: readonly string[]
): ReturnType<typeof testWhere> => testWhere([programs[name], ...files].every(existsSync))
