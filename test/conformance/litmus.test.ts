/** litmus 0.13, a test suite of WebDAV servers by others, on a plain folder beside the repositories. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from '../end-to-end/harness/child.js'
import { programs, testWithProgram } from '../end-to-end/harness/system.js'
import { openPlainDoor } from '../gateway/dav-client.js'

/** How many tests each suite has; all of them pass. */
const suites = { basic: 16, copymove: 13, props: 30, locks: 41, http: 4 }

testWithProgram('litmus')('litmus passes on plain files, all of it', async (t) => {
  const door = await openPlainDoor(t)
  const home = join(door.outside, 'home')
  await mkdir(home)
  // It leaves its logs in the folder that it runs in.
  const litmus = new Child(programs.litmus, ['-k', `${door.url}-/dav/`], {
    env: { PATH: process.env.PATH ?? '', HOME: home },
    cwd: home,
  })
  const { stdout } = await litmus.ended
  const summary = /summary for `(\w+)': of (\d+) tests run: (\d+) passed/g
  const passed = [...stdout.matchAll(summary)].map(([, suite, run, count]) => [
    suite,
    run,
    count,
  ])
  const expected = Object.entries(suites).map(([suite, count]) => {
    return [suite, String(count), String(count)]
  })
  t.deepEqual(passed, expected, stdout)
  t.notRegex(stdout, /WARNING/)
})
