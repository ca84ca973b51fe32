/** `npm run demo`: tells the story of the sleeping laptop without and with the gateway, step by step. */
import { rm } from 'node:fs/promises'
import { ensureClients } from './clients.mjs'
import { prepare } from './prepare.mjs'
import { readUsage } from './usage.mjs'

readUsage({
  name: 'demo',
  does: `Tells the story of the sleeping laptop with real restic, in about a minute: first straight on a folder, where it
does damage, then through the gateway, where it does not. It all happens in a temporary folder.`,
  examples: [['', 'the whole story']],
  codes: {
    ok: 'both ended as promised',
    no: 'one did not, or packages, build or restic cannot be had',
  },
})

const bold = (text) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text)
const heading = (text) => console.log(`\n${bold(text)}\n${'='.repeat(text.length)}`)
const step = (text) => console.log(`\n${bold(`* ${text}`)}`)
const show = (text) => console.log((text.trim() || '(nothing)').replace(/^/gm, '    | '))

/** The newest restic that can be had here. */
const chooseVersion = async () => {
  for (const version of ['0.18', '0.14']) {
    const name = `restic-${version}`
    const { missing } = (await ensureClients([name], console.log))[name]
    if (!missing) return version
    console.log(`${name} is missing: ${missing}`)
  }
  return undefined
}

/** Tells the story on one repository; answers how the laptop and the repository ended. */
const tellStory = async (harness, world, { version, repository, folder }) => {
  const { backUp, MIB, randomBytes, startSleeper, writeFiles } = harness
  const restic = async (...args) => {
    console.log(`    $ restic ${args.join(' ')}`)
    const child = world.restic(version, ['-r', repository, ...args])
    const { code } = await child.ended
    show(child.output)
    if (code !== 0) throw new Error(`restic ${args[0]} ended with exit code ${code}`)
  }
  const files = world.path('files', folder)

  step('Two backups exist. The older one has a file that the newer one has not.')
  await writeFiles(files, 'kept', { letters: MIB })
  await writeFiles(files, 'old', { photos: 2 * MIB })
  await backUp(world, version, repository, files)
  await rm(`${files}/photos`)
  await backUp(world, version, repository, files)
  await restic('snapshots', '--compact')

  step('A laptop begins a backup. It has uploaded a pack when its lid closes (SIGSTOP).')
  const leansOn = randomBytes('old/photos', 2 * MIB)
  const options = { version, repository, folder, seed: 'laptop', leansOn, home: 'laptop' }
  const laptop = await startSleeper(world, options)
  await laptop.child.sleep()

  step('Its lock goes stale (--remove-all: no half hour to wait). An administrator prunes.')
  await restic('unlock', '--remove-all')
  await restic('forget', '--keep-last', '1', '--prune', '--quiet')

  step('The lid opens (SIGCONT). The laptop knows of nothing and goes on. It is told:')
  laptop.child.wake()
  const { code } = await laptop.finish()
  show(laptop.child.output.replaceAll(world.folder, ''))
  console.log(`    exit code ${code}`)

  step('Is the repository sound? Asked of the folder itself:')
  console.log('    $ restic check --read-data')
  const check = world.restic(version, ['-r', folder, 'check', '--read-data', '--no-lock'])
  const isSound = (await check.ended).code === 0
  show(check.output.replaceAll(world.folder, '').split('\n').slice(-12).join('\n'))
  console.log(`    ${bold(isSound ? 'SOUND' : 'DAMAGED')}`)
  return { laptopCode: code, laptopOutput: laptop.child.output, isSound }
}

const straight = async (harness, world, version) => {
  heading('1. Straight on a folder')
  const folder = await world.repository(version, 'straight')
  const { laptopCode, isSound } = await tellStory(harness, world, {
    version,
    repository: folder,
    folder,
  })
  return laptopCode === 0 && !isSound
}

const guarded = async (harness, world, version) => {
  heading('2. Through the gateway')
  const folder = await world.repository(version, 'guarded')
  const gateway = await world.gateway()
  console.log(`\nlockkeeper serves the folder at ${gateway.url('guarded')}`)
  const { laptopCode, laptopOutput, isSound } = await tellStory(harness, world, {
    version,
    repository: gateway.url('guarded'),
    folder,
  })
  step('What the laptop wrote too late is kept, and can be looked at:')
  console.log('    $ lockkeeper quarantine list')
  const list = await world.lockkeeper('quarantine', 'list')
  show(list.stdout + list.stderr)
  return laptopCode !== 0 && /fenced/i.test(laptopOutput) && isSound && list.code === 0
}

const main = async () => {
  if (!(await prepare())) return 1
  const version = await chooseVersion()
  if (version === undefined) return 1
  const at = (name) => import(`../dist/test/end-to-end/harness/${name}.js`)
  const { World } = await at('world')
  const parts = await Promise.all(['content', 'sleeper', 'soundness'].map(at))
  const harness = Object.assign({}, ...parts)

  let close = async () => undefined
  const world = await World.open({ teardown: (end) => (close = end) })
  try {
    const isDamaged = await straight(harness, world, version)
    const isGuarded = await guarded(harness, world, version)
    heading('Verdict')
    const verdict = (isAsPromised, text) => console.log(`${isAsPromised ? '✔' : '✘'} ${text}`)
    verdict(
      isDamaged,
      'without the gateway: the laptop was told "saved", the repository is damaged',
    )
    verdict(isGuarded, 'with it: the laptop was told why not, the repository is sound')
    return isDamaged && isGuarded ? 0 : 1
  } finally {
    await close()
  }
}

process.exitCode = await main()
