/** Knows the command that makes the repositories of a gateway a folder. */
import { Option, type Command } from 'commander'
import { serveOptions } from '../../config/schema.js'
import type { MountFlags } from './mount-action.js'

const examples = `
What is refused is an error to the program on the mount (EACCES); why is said here, on stderr.

Examples:
  $ lockkeeper mount /srv/restic ~/repositories
  $ restic -r ~/repositories/laptop backup ~/Documents

  The repositories of a gateway elsewhere, or one of them:
  $ lockkeeper mount http://user:password@backup.example:8000/ ~/repositories
  $ lockkeeper mount http://backup.example:8000/laptop ~/laptop --read-only

Signals:
  SIGTERM and SIGINT unmount, exit code 0.`

export function addMount(program: Command): void {
  program
    .command('mount')
    .summary('mount the repositories of a gateway on a folder')
    .description(
      'Mounts the repositories of a gateway, or of a folder on this machine, on a folder, for programs that only know ' +
        'folders. Each process that writes there is told apart from every other. Runs until a signal ends it.',
    )
    .argument('<URL|PATH>', 'the address of a gateway, or the folder of the repositories')
    .argument('<DIR>', 'the folder to mount on; it must be empty')
    .addOption(new Option('--as <CLIENT>', 'the name of the client, as status shows it'))
    .addOption(new Option('--read-only', 'let nothing be changed'))
    .addOption(new Option('--allow-other', 'let other users of this machine in'))
    .addOption(
      new Option(
        '--plain-files',
        'of a folder on this machine: keep other files beside the repositories; they are not fenced',
      ),
    )
    .addOption(
      new Option('--log-level <LEVEL>', serveOptions.logLevel.help).default(
        serveOptions.logLevel.default,
      ),
    )
    .addHelpText('after', examples)
    .action(async (source: string, folder: string, flags: MountFlags) => {
      // The other commands start without these.
      const { mount } = await import('./mount-action.js')
      process.exitCode = await mount(source, folder, flags)
    })
}
