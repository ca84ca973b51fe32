/** Refuses a Node that is too old, before anything that it lacks is asked of it. To be imported first. */
const OLDEST = 20

const [major] = process.version.slice(1).split('.')
if (Number(major) < OLDEST) {
  console.error(
    `error: Lockkeeper needs Node ${OLDEST} or newer, and this is ${process.version}. Debian 12 brings 18: install Node 22 ` +
      'from https://nodejs.org/en/download or https://github.com/nodesource/distributions, or with nvm (nvm install 22), ' +
      'and try again.',
  )
  process.exit(1)
}
