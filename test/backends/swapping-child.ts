/** Swaps folders for links in a loop, as a local user may who can write in a repository of its own, until its input ends. */
import { renameSync } from 'node:fs'

/** Each folder, and a link that takes its place and leaves it again. */
const pairs = process.argv.slice(2).map((folder) => [folder, `${folder}.link`] as const)
let isOver = false
process.stdin.on('end', () => {
  isOver = true
})
process.stdin.resume()

let made = 0

/** Whoever serves the folder may have made it anew meanwhile. */
function take(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch {
    made += 1
    renameSync(to, `${to}.made-${made}`)
    renameSync(from, to)
  }
}

function swap(): void {
  for (const [folder, link] of pairs) {
    renameSync(folder, `${folder}.aside`)
    take(link, folder)
  }
  for (const [folder, link] of pairs) {
    renameSync(folder, link)
    take(`${folder}.aside`, folder)
  }
}

function turn(): void {
  for (let times = 0; times < 50; times += 1) swap()
  if (!isOver) setImmediate(turn)
}

process.stdout.write('swapping\n')
turn()
