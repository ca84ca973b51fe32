/**
 * The program that attacks: `attacker.js NAME PORT MS [LOGIN]`, from an address of its own on loopback. It says
 * "attacking" once it is at it, and at its end, as JSON, how often it was answered what.
 */
import { attacks } from './attacks.js'

const [, , name = '', port = '', ms = '', login] = process.argv
const attack = attacks[name]
if (attack === undefined) throw new Error(`"${name}" is no attack`)
// A closed connection is what an attacker is told.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  if (error.syscall === undefined) throw error
})
const answers: Record<string, number> = {}
const end = performance.now() + Number(ms)
console.log('attacking')
await attack({
  port: Number(port),
  login,
  isOver: () => performance.now() >= end,
  leftMs: () => Math.max(0, end - performance.now()),
  note: (answer) => void (answers[answer] = (answers[answer] ?? 0) + 1),
})
console.log(JSON.stringify(answers))
process.exit(0)
