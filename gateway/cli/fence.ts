/** Knows the command that raises a generation by hand. */
import type { Command } from 'commander'
import { exitCodes } from './exit-code.js'
import { addPath, operate, reasonOption, whoActs } from './operate.js'
import { print } from './output.js'

const help = `
To be used after the repository was changed behind the gateway's back: restored from elsewhere, rolled
back, or pruned straight on the folder. Every writer that runs now is then overtaken: what it still
writes is quarantined, and it is told to run again.

Example:
  $ lockkeeper fence laptop --reason "rolled back to the snapshot of Monday"`

export function addFence(program: Command): void {
  const command = program
    .command('fence')
    .summary('raise the generation of a repository by hand')
    .description('Raises the generation of a repository by hand.')
    .argument(
      '<REPO>',
      'the repository, by its path below the folder ("/" is the folder itself)',
    )
    .usage('<REPO> --reason <TEXT> [options]')
    .addOption(reasonOption())
    .addHelpText('after', help)
  addPath(command).action((name: string, { reason }: { reason: string }) =>
    operate(command, async (admin) => {
      const generation = await admin.fence(name, { by: whoActs(), reason })
      await print(`${name} is at generation ${generation} now.\n`)
      return exitCodes.ok
    }),
  )
}
