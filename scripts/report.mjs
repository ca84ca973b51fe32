/** Knows the lines of AVA's reporter well enough to count; what AVA prints is shown as it comes. */

/** Every sign of a failure, also those without a test: a crash, a timeout, a file without tests, a stray rejection. */
const SIGNS = [
  ['passed', /^ *[✔√] (.*)$/],
  ['failed', /^ *[✘×✖] (?:\[(?:fail|unexpected pass)\]: )?(.*)$/],
  ['failed', /^ *((?:Uncaught exception|Unhandled rejection) in .*)$/],
  ['skipped', /^ *- \[(?:skip|todo)\]:? (.*)$/],
]

/** Shows each line and answers the titles that passed, failed and were skipped, once the lines have ended. */
export const followReport = async (lines, say = console.log) => {
  const titles = { passed: [], failed: [], skipped: [] }
  for await (const line of lines) {
    say(line)
    for (const [kind, sign] of SIGNS) {
      const title = sign.exec(line)?.[1]
      if (title !== undefined) titles[kind].push(title)
    }
  }
  return titles
}
