/** A process that has a state folder until it is killed. */
import { openState } from '../../gateway/program/state/state.js'

const [folder = ''] = process.argv.slice(2)
const state = await openState({ folder, command: 'serve' })
await state.announce(['127.0.0.1:8000'])
process.stdout.write('held\n')
setInterval(() => undefined, 60_000)
