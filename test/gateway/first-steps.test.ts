import test from 'ava'
import { commandOf, firstSteps } from '../../gateway/cli/first-steps.js'
import type { OpenListener } from '../../gateway/program/listener.js'

const open: OpenListener = {
  ...{ address: '127.0.0.1:8000', port: 8000, url: 'http://127.0.0.1:8000/' },
  ...{ isAppendOnly: false, isPrivate: false, asks: 'nobody' },
}
const nothing = { state: undefined, config: undefined }

const said = (
  listeners: readonly OpenListener[],
  { settings = nothing, repositories = 0 }: { settings?: object; repositories?: number } = {},
): string =>
  firstSteps(
    { ...nothing, ...settings },
    { folder: '/srv/restic', listeners, mountFolder: undefined, repositories, warnings: [] },
    'lockkeeper',
  ).join('\n')

test('where nobody is asked, the address is enough', (t) => {
  const text = said([open])
  t.regex(text, /RESTIC_REPOSITORY=rest:http:\/\/127\.0\.0\.1:8000\/laptop$/m)
  t.regex(text, /^ {2}lockkeeper run -- restic backup/m)
  t.regex(text, /^ {2}lockkeeper status --path \/srv\/restic$/m)
  t.regex(text, /^ {2}lockkeeper ui --path \/srv\/restic$/m)
})

test('a password and a folder of its own stand in the address', (t) => {
  const url = 'https://0.0.0.0:8000/'
  const text = said([
    { ...open, url, asks: 'password', isPrivate: true, certificateFile: '/etc/a key.pem' },
  ])
  t.regex(text, /=rest:https:\/\/USER:PASSWORD@localhost:8000\/USER\/laptop$/m)
  t.regex(text, /RESTIC_CACERT='\/etc\/a key\.pem'$/m)
})

test('what is reached in a way that is not known here is not proposed', (t) => {
  const { url, ...socket } = { ...open, address: 'unix:/run/x.sock', port: 0 }
  t.is(url, 'http://127.0.0.1:8000/')
  for (const listener of [
    { ...open, asks: 'other' as const },
    { ...socket, url: undefined },
  ]) {
    const text = said([listener])
    t.notRegex(text, /Try it|restic init/)
    t.regex(text, /Look at it/)
  }
})

test('who has repositories needs none to try', (t) => {
  const text = said([open], { repositories: 3, settings: { config: '/etc/lockkeeper.yaml' } })
  t.regex(text, /holds 3 repositories/)
  t.notRegex(text, /restic init/)
  t.regex(text, /status --config \/etc\/lockkeeper\.yaml$/m)
  t.regex(said([open], { settings: { state: '/ssd/state' } }), /--state \/ssd\/state$/m)
})

test('the program is called as it was started', (t) => {
  const environment = {}
  t.is(commandOf({ file: '/usr/bin/lockkeeper', environment }), 'lockkeeper')
  t.is(commandOf({ file: '/opt/x/dist/main.js', environment }), 'node /opt/x/dist/main.js')
  for (const npm of [{ npm_lifecycle_event: 'start' }, { npm_command: 'exec' }])
    t.is(commandOf({ file: '/x/lockkeeper', environment: npm }), 'npx lockkeeper')
})
