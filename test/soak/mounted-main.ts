/** Lives a mount's day and prints how it went. */
import { liveMountedDay } from './mounted-day.js'
import { parseSettings } from './settings.js'

const { minutes } = parseSettings(process.argv[2])
const isSound = await liveMountedDay(minutes, (line) => {
  console.log(line)
})
console.log(isSound ? 'As promised.' : 'NOT as promised.')
process.exitCode = isSound ? 0 : 1
