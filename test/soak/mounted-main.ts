/** Lives a mount's day and prints how it went. */
import { parseArgs } from 'node:util'
import { liveMountedDay } from './mounted-day.js'

const { values } = parseArgs({
  options: { fuse: { type: 'boolean' }, minutes: { type: 'string', default: '6' } },
})
const isSound = await liveMountedDay(Number(values.minutes), (line) => {
  console.log(line)
})
console.log(isSound ? 'As promised.' : 'NOT as promised.')
process.exitCode = isSound ? 0 : 1
