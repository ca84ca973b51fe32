export default {
  files: ['dist/test/**/*.test.js'],
  workerThreads: false,
  nodeArguments: ['--enable-source-maps'],
  timeout: '14m',
}
