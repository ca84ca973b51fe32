/** Knows what a soak is asked for on its command line. */
import { parseArgs } from 'node:util'

export interface SoakSettings {
  readonly minutes: number
  readonly clients: number
  readonly seed: number
  readonly isJson: boolean
}

const usage = 'npm run soak -- [--minutes T] [--clients N] [--seed S] [--json]'

const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`--${name} "${text}" must be a number above 0; ${usage}`)
}

export const parseSettings = (args: readonly string[]): SoakSettings => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      clients: { type: 'string', default: '4' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      json: { type: 'boolean', default: false },
    },
  })
  return {
    minutes: positive('minutes', values.minutes),
    clients: Math.ceil(positive('clients', values.clients)),
    seed: positive('seed', values.seed),
    isJson: values.json,
  }
}
