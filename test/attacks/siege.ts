/** One attack on a running gateway, and what another user feels meanwhile. */
import { join } from 'node:path'
import { readFile, writeFile } from 'node:fs/promises'
import { hash } from 'bcrypt'
import { Child } from '../end-to-end/harness/child.js'
import { projectRoot } from '../end-to-end/harness/clients.js'
import type { Service } from '../end-to-end/harness/service.js'
import type { World } from '../end-to-end/harness/world.js'
import { Bystander, type Felt } from './bystander.js'

/** A whole minute by `npm run attacks`. */
export const attackMs = Number(process.env.ATTACK_SECONDS ?? 2) * 1000

export interface Siege {
  readonly felt: Felt
  /** How often the attacker was answered what. */
  readonly answers: Readonly<Record<string, number>>
}

export interface SiegeOptions {
  readonly attack: string
  readonly port: number
  readonly bystander: Bystander
  /** Of the attacker. */
  readonly login?: string
}

/** As many rounds of bcrypt as htpasswd -B makes by itself are too few to be felt. */
const bcryptCost = 10

/** A password file that knows alice, who works, and mallory, who attacks. */
export async function passwordFile(world: World): Promise<string> {
  const file = world.path('htpasswd')
  const users = ['alice', 'mallory'].map(
    async (user) => `${user}:${await hash('secret', bcryptCost)}\n`,
  )
  await writeFile(file, (await Promise.all(users)).join(''))
  return file
}

function programOf(name: string): string {
  return join(projectRoot, 'dist', 'test', 'attacks', `${name}.js`)
}

/** Runs until the test ends. */
export async function startControl(t: {
  readonly teardown: (end: () => unknown) => void
}): Promise<number> {
  const control = new Child(process.execPath, [programOf('control')], { env: {} })
  t.teardown(() => control.kill())
  const [, port] = await control.says(/listening on (\d+)/)
  return Number(port)
}

export async function besiege(options: SiegeOptions): Promise<Siege> {
  const { attack, port, bystander, login } = options
  const args = [
    programOf('attacker'),
    attack,
    String(port),
    String(attackMs + 1000),
    ...(login ? [login] : []),
  ]
  const attacker = new Child(process.execPath, args, { env: {} })
  try {
    await attacker.says(/attacking/)
    const felt = await bystander.work(attackMs)
    const { stdout } = await attacker.ended
    const answers = JSON.parse(stdout.split('\n')[1] ?? '') as Siege['answers']
    return { felt, answers }
  } finally {
    await attacker.kill()
  }
}

/** In words, for whoever reads that it failed. */
export function describe({ felt, answers }: Siege): string {
  const { requests, times, controlMs, failures } = felt
  const at = (share: number): string =>
    (times[Math.floor(share * times.length)] ?? 0).toFixed(0)
  return (
    `${requests} requests, median ${at(0.5)} ms, 95 % within ${at(0.95)} ms, longest ` +
    `${times.at(-1)?.toFixed(0)} ms; of the control ${controlMs.toFixed(0)} ms; ${failures.length} failed: ${failures.slice(0, 3).join(', ')}; ` +
    `the attacker: ${JSON.stringify(answers)}`
  )
}

export async function residentBytes({ child }: Service): Promise<number> {
  const status = await readFile(`/proc/${child.pid ?? 'self'}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}
