/** Knows the version of the program: the package's own. */
import { readFileSync } from 'node:fs'

const manifest = new URL('../../../package.json', import.meta.url)

// Our own file, and every command reads it: without a schema, which takes a while to load.
const { version: read } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }

export const version: string = read
