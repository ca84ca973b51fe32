/** What takes longest begins first, so that nothing long is left to run alone at the end. */
const longest = [
  'end-to-end/stories/idle',
  'end-to-end/fuse-stories',
  'end-to-end/fuse',
  'simulation/simulation',
  'end-to-end/stories/waking',
  'end-to-end/faults',
  'simulation/interleavings',
  'rightful/brief',
  'end-to-end/stories/pruning',
  'end-to-end/stories/webdav',
  'end-to-end/outside',
  'end-to-end/restic-backups',
  'end-to-end/fuse-mounting',
  'end-to-end/proxies',
  'gateway/commands',
  'end-to-end/operator-pages',
  'end-to-end/older-journals',
  'end-to-end/disk-hanging',
  'end-to-end/metrics',
  'end-to-end/restic-maintenance',
  'end-to-end/stories/undisturbed',
  'end-to-end/restic-keys-and-copy',
  'soak/soak',
  'end-to-end/http2',
  'end-to-end/crashes',
  'backends/local-store',
  'end-to-end/bad-input',
].map((name) => `/dist/test/${name}.test.js`)

const rankOf = (file) => {
  const rank = longest.findIndex((name) => file.endsWith(name))
  return rank < 0 ? longest.length : rank
}

export default {
  files: ['dist/test/**/*.test.js'],
  sortTestFiles: (one, other) => rankOf(one) - rankOf(other) || one.localeCompare(other),
  workerThreads: false,
  nodeArguments: ['--enable-source-maps'],
  /** So long none of all has ended: longer than a test waits for what it waits for, and who needs more says so. */
  timeout: '4.5m',
}
