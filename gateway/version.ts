/** Knows the version of the program: the package's own. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const manifest = new URL('../../package.json', import.meta.url)

export const version = z
  .looseObject({ version: z.string() })
  .parse(JSON.parse(readFileSync(manifest, 'utf8'))).version
