/** The commands about tokens, which programs sign in with. */
import { Option, type Command } from 'commander'
import { roles, type Role, type TokenView } from '../operate/admin/views.js'
import { exitCodes } from './exit-code.js'
import { addPath, operate, whoActs } from './operate.js'
import { columns, localTime, print, printJson } from './output.js'

const addHelp = `
The token is printed once and kept nowhere: the state has only its hash. A viewer may ask for everything but
the bytes of items and the list of tokens; an operator may act.

Example:
  $ lockkeeper token add monitoring > /etc/monitoring/lockkeeper.token
  $ curl -H "Authorization: Bearer $(cat /etc/monitoring/lockkeeper.token)" http://127.0.0.1:8001/-/api/v1/repositories`

export function addToken(program: Command): void {
  const token = program
    .command('token')
    .summary('make, list and revoke tokens for programs')
    .description(
      'Makes, lists and revokes tokens that programs sign in with at --admin-listen.',
    )
  addAdd(token)
  addList(token)
  addRevoke(token)
}

function addAdd(token: Command): void {
  const role = new Option('--role <ROLE>', 'what it may do')
    .choices([...roles])
    .default('viewer')
  const command = token
    .command('add')
    .summary('make a token')
    .description('Makes a token, and prints it once.')
    .argument('<NAME>', 'what it is for; it stands in the journal with what the token does')
    .addOption(role)
    .option('--json', 'for programs')
    .addHelpText('after', addHelp)
  addPath(command).action((name: string, flags: { role: Role; json?: true }) =>
    operate(command, async (admin) => {
      const made = await admin.addToken({ name, role: flags.role, by: whoActs() })
      await (flags.json ? printJson(made) : print(`${made.token}\n`))
      return exitCodes.ok
    }),
  )
}

function addList(token: Command): void {
  const command = token
    .command('list')
    .summary('list the tokens')
    .description('Lists the tokens; never the secrets.')
    .option('--json', 'for programs')
  addPath(command).action(({ json }: { json?: true }) =>
    operate(command, async (admin) => {
      const tokens = await admin.tokens()
      if (json) await printJson(tokens)
      else await print(tokens.length === 0 ? 'There is no token.\n' : table(tokens))
      return exitCodes.ok
    }),
  )
}

function addRevoke(token: Command): void {
  const command = token
    .command('revoke')
    .summary('revoke a token')
    .description('Revokes a token at once.')
    .argument('<ID>', 'the id of the token, as "lockkeeper token list" shows it')
  addPath(command).action((id: string) =>
    operate(command, async (admin) => {
      const { name } = await admin.revokeToken(id)
      await print(`${id} (${name}) is revoked.\n`)
      return exitCodes.ok
    }),
  )
}

function table(tokens: readonly TokenView[]): string {
  const rows = tokens.map(({ id, name, role, made, madeBy }) => {
    return [id, name, role, localTime(made), madeBy]
  })
  return columns(['ID', 'NAME', 'ROLE', 'MADE', 'BY'], rows)
}
