/** The commands about notification: whether those who are to be told can be reached. */
import type { Command } from 'commander'
import type { NotifyTestView } from '../operate/admin/views.js'
import { exitCodes } from './exit-code.js'
import { addPath, operate } from './operate.js'
import { columns, print, printJson } from './output.js'

const help = `
The gateway that runs sends it, as it sends everything else: a webhook gets an event of type "notify.test", a
mailbox a mail, and a check of Healthchecks a line in its log, which changes nothing else there. Whom it tells
stands in the file of settings:

  notify:
    webhooks:
      - url: https://example.org/hook
        secret-file: /etc/lockkeeper/hook.secret    # whsec_…: echo "whsec_$(openssl rand -base64 32)"
        events: [write.fenced, journal.damaged]     # all of them where nothing is said
    mail: { server: smtp://mail.example.org:587, from: lockkeeper@example.org, to: [ops@example.org] }
    healthchecks:
      - url: https://hc-ping.com/PING-KEY/{repository}-{client}?create=1

A webhook that once answered 410 is told nothing more, until a test arrives there. docs/NOTIFICATION.md has more.

Fields of --json: targets[] {target, arrived, why}; why is null where it arrived.

Examples:
  $ lockkeeper notify test --path /srv/restic
  $ lockkeeper notify test --json | jq -r '.targets[] | select(.arrived | not).why'

The exit code is 1 where a test did not arrive, or nobody is to be told.`

export function addNotify(program: Command): void {
  const notify = program
    .command('notify')
    .summary('try whether notification arrives')
    .description('What can be done about notification.')
  const command = notify
    .command('test')
    .summary('send a test to everybody who is to be told')
    .description('Sends a test to each target of notification, and says which arrived.')
    .option('--json', 'for programs')
    .addHelpText('after', help)
  addPath(command).action(({ json }: { json?: true }) =>
    operate(command, async (admin) => {
      const targets = await admin.testNotification()
      if (json) await printJson({ targets })
      else await print(textOf(targets))
      const isFine = targets.length > 0 && targets.every(({ arrived }) => arrived)
      return isFine ? exitCodes.ok : exitCodes.no
    }),
  )
}

function textOf(targets: readonly NotifyTestView[]): string {
  if (targets.length === 0) {
    return 'Nobody is to be told: "notify" in the file of settings says whom (--help shows how).\n'
  }
  const rows = targets.map(({ target, arrived, why }) => {
    return [target, arrived ? 'arrived' : 'NOT ARRIVED', why ?? '']
  })
  return columns(['TARGET', 'TEST', 'WHY'], rows)
}
