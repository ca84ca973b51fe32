/** The command that lets a browser in: it prints a link that works once, and opens it where there is a desktop. */
import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import { exitCodes } from './exit-code.js'
import { addPath, operate, whoActs } from './operate.js'
import { print, printJson } from './output.js'

const help = `
For whoever may open the socket in the state folder: nothing needs to be set up. The link works once, within a
minute; the browser is then signed in as you for eight hours, and what it does stands under your name in the
journal. Without --admin-listen the gateway begins to listen at a free port of this machine for it.

From another machine: give --admin-listen, or carry the port over with "ssh -L PORT:127.0.0.1:PORT".

Example:
  $ lockkeeper ui --path /srv/restic`

export function addUi(program: Command): void {
  const command = program
    .command('ui')
    .summary('open the pages for operators in a browser')
    .description('Prints a link to the pages for operators that works once, within a minute.')
    .option('--no-open', 'only print it')
    .option('--json', 'for programs: url and expires')
    .addHelpText('after', help)
  addPath(command).action(({ json, open }: { json?: true; open: boolean }) =>
    operate(command, async (admin) => {
      const link = await admin.link(whoActs())
      if (json) await printJson(link)
      else await print(`${link.url}\n`)
      if (open && json !== true && hasDesktop()) openInBrowser(link.url)
      return exitCodes.ok
    }),
  )
}

function hasDesktop(): boolean {
  const { DISPLAY: x, WAYLAND_DISPLAY: wayland } = process.env
  return process.stdout.isTTY && (process.platform === 'darwin' || Boolean(x ?? wayland))
}

/** Where it cannot be opened the link is printed all the same. */
function openInBrowser(url: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true })
  child.once('error', () => undefined)
  child.unref()
}
