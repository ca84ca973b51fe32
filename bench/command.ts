/** Knows the flags that every comparison takes. */
import { tmpdir } from 'node:os'
import { Command } from 'commander'

export interface CommonOptions {
  readonly rounds: number
  readonly scale: number
  readonly json?: string
  readonly folder: string
}

/** `names` says what may be named in place of all. */
export const benchCommand = (name: string, description: string, names: string): Command =>
  new Command(name)
    .description(description)
    .argument('[names...]', names)
    .option('--rounds <n>', 'alternating rounds', Number, 7)
    .option('--scale <factor>', 'make every load smaller or larger', Number, 1)
    .option('--json <file>', 'write all figures there too')
    .option('--folder <dir>', 'put the files there: the disk that is measured', tmpdir())
