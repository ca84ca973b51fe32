/** Entry by entry: one attacks, and another's requests are all answered; `npm run attacks` also judges how soon. */
import test, { type ExecutionContext } from 'ava'
import { World } from '../end-to-end/harness/world.js'
import { Bystander } from './bystander.js'
import {
  besiege,
  describe,
  passwordFile,
  residentBytes,
  startControl,
  type Siege,
} from './siege.js'

/** Beside other tests times and memory say nothing of the gateway: they are logged, and judged in a run alone. */
const isAlone = process.env.ATTACK_SECONDS !== undefined
const limitMs = 300
/** Whatever the attack, the gateway stays a small program. */
const grownBytesMax = 160 * 2 ** 20

function unhurt(t: ExecutionContext, siege: Siege): void {
  const { times, controlMs, failures } = siege.felt
  t.log(describe(siege))
  t.deepEqual(failures, [])
  t.true(times.length > 0)
  if (isAlone) t.true((times.at(-1) ?? Infinity) <= limitMs + controlMs, describe(siege))
}

interface Case {
  readonly entry: string
  readonly attack: string
  readonly login?: string
  readonly args?: readonly string[]
}

const cases: readonly Case[] = [
  { entry: 'as it is', attack: 'none' },
  { entry: 'S4', attack: 'unknown names' },
  { entry: 'S4', attack: 'wrong passwords of a known name' },
  { entry: 'S8', attack: 'half-sent requests' },
  { entry: 'S8', attack: 'silent connections' },
  { entry: 'S8', attack: 'bodies without a login' },
  { entry: 'S9', attack: 'unfinished XML', login: 'mallory:secret' },
  { entry: 'S1', attack: 'runs under many tags', login: 'mallory:secret' },
  { entry: 'S1', attack: 'locks under many tags', login: 'mallory:secret' },
  { entry: 'S5', attack: 'locks of nobody in particular', login: 'mallory:secret' },
  { entry: 'S6', attack: 'large locks', login: 'mallory:secret' },
  { entry: 'S6', attack: 'many repositories', login: 'mallory:secret' },
  { entry: 'S7', attack: 'WebDAV locks', login: 'mallory:secret', args: ['--plain-files'] },
]

for (const { entry, attack, login, args: more = [] } of cases) {
  test.serial(`${entry}: ${attack}`, async (t) => {
    const world = await World.open(t)
    const args = ['--htpasswd-file', await passwordFile(world), ...more]
    const gateway = await world.gateway({ args })
    const { port } = gateway
    const controlPort = await startControl(t)
    const bystander = new Bystander({
      port,
      controlPort,
      repository: 'alice',
      login: 'alice:secret',
    })
    await bystander.settle()
    const before = await residentBytes(gateway)
    unhurt(t, await besiege({ attack, port, bystander, ...(login && { login }) }))
    const grown = (await residentBytes(gateway)) - before
    t.log(`memory: ${(grown / 2 ** 20).toFixed(0)} MiB more`)
    if (isAlone) t.true(grown < grownBytesMax, String(grown))
  })
}
