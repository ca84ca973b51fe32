/**
 * `npm run disk-matrix`: plays what a gateway does on disks that fail, and writes the table into docs/RELIABILITY.md. Needs root:
 * it mounts small disks below a temporary folder, and unmounts them.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, root } from './build.mjs'
import { readUsage } from './usage.mjs'

const MIB = 1024 * 1024
const page = join(root, 'docs', 'RELIABILITY.md')
const marks = ['<!-- disk-matrix: begin -->', '<!-- disk-matrix: end -->']

readUsage({
  name: 'disk-matrix',
  does: `Plays openings, reads, writes, deletions, releases, stops and starts of a real gateway on small disks that are full or
that the kernel has shut down, under the repositories and under the state, and writes the table into docs/RELIABILITY.md.`,
  options: {},
  examples: [['', 'all of it; takes some minutes, and root']],
  codes: { ok: 'whatever was promised was there afterwards', no: 'something was lost' },
})
await build()
const harness = (name) => import(join(root, 'dist', 'test', name))
const { World } = await harness('end-to-end/harness/world.js')
const { RestWriter, objectOf, overtake } = await harness('gateway/rest-writer.js')

const mount = (...args) => execFileSync('mount', args, { stdio: 'ignore' })
const unmount = (folder) => execFileSync('umount', ['-l', folder], { stdio: 'ignore' })

/** Each makes a disk on a folder, and answers how it is broken and mended. */
const faults = {
  ENOSPC(folder) {
    mount('-t', 'tmpfs', '-o', `size=${24 * MIB},mode=700`, 'tmpfs', folder)
    const ballast = join(folder, 'ballast')
    const fill = () => {
      for (const size of [MIB, 4096, 1]) {
        for (;;) {
          try {
            writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' })
          } catch {
            break
          }
        }
      }
    }
    return { fail: fill, mend: () => truncateSync(ballast, 0) }
  },
  EROFS(folder, image) {
    writeFileSync(image, '')
    truncateSync(image, 24 * MIB)
    execFileSync('mkfs.ext4', ['-q', '-F', image], { stdio: 'ignore' })
    const again = () => mount('-o', 'loop', image, folder)
    again()
    return {
      fail: () => mount('-o', 'remount,abort', folder),
      mend: () => {
        execFileSync('umount', [folder])
        again()
      },
    }
  },
}

/** A status, or the code of the error. */
const told = async (act) => String(await act().catch((error) => error.code ?? error.name))

async function play(where, fault) {
  const endings = []
  const world = await World.open({ teardown: (end) => endings.unshift(end) })
  const state = world.path('state')
  mkdirSync(state, { mode: 0o700 })
  const folder = where === 'state' ? state : world.repositories
  try {
    const disk = faults[fault](folder, world.path('image'))
    endings.unshift(() => unmount(folder))
    // Without a reserve: as it is when that is used up.
    const args = ['--state', state, '--state-reserve', '0', '--min-free', '0']
    const gateway = await world.gateway({ args })
    const { pack } = await overtake(gateway.port, 'repo')
    const writer = new RestWriter(gateway.port, 'repo', 'before')
    await writer.begin()
    const kept = [objectOf('data', 'kept'), objectOf('index', 'kept')]
    for (const object of kept) await writer.post(object)
    const items = JSON.parse(
      (await world.lockkeeper('quarantine', 'list', '--json', ...places(world, state))).stdout,
    )
    const item = items.find(({ object }) => object === pack.name) ?? items[0]
    disk.fail()
    const late = new RestWriter(gateway.port, 'repo', 'late')
    const row = {}
    row.opening = await told(() => late.read('config'))
    row.read = await told(() => late.read(kept[0].name))
    row['upload of a lock'] = await told(() => writer.post(objectOf('locks', 'lock')))
    row['upload of a pack'] = await told(() => writer.post(objectOf('data', 'x'.repeat(MIB))))
    row['prune (a pack)'] = await told(() => writer.delete(kept[0]))
    const release = await world.lockkeeper(
      ...['quarantine', 'release', item.id, '--reason', 'matrix', ...places(world, state)],
    )
    row.release = `exit ${release.code}`
    row.stop = `exit ${(await gateway.stop()).code}`
    row.start = await told(async () => {
      await gateway.start()
      return `serves; read ${await late.read(kept[1].name)}`
    })
    await gateway.kill().catch(() => undefined)
    row.kill = 'killed'
    disk.mend()
    await gateway.start()
    const after = new RestWriter(gateway.port, 'repo', 'after')
    await after.begin()
    const statuses = [await after.read(kept[1].name), await after.post(objectOf('data', 'new'))]
    const isWhole = statuses.every((status) => status === 200)
    row['mended, started'] = isWhole ? 'believed, nothing lost, writes' : `LOST ${statuses}`
    await gateway.stop()
    return { row, isWhole }
  } finally {
    for (const end of endings) await end()
  }
}

const places = (world, state) => ['--path', world.repositories, '--state', state]

const columns = []
let isAllWhole = true
for (const where of ['repositories', 'state']) {
  for (const fault of Object.keys(faults)) {
    const { row, isWhole } = await play(where, fault)
    columns.push({ title: `${where}: ${fault}`, row })
    isAllWhole &&= isWhole
    console.log(columns.at(-1))
  }
}

const acts = Object.keys(columns[0].row)
const table = [
  ['while it lasts', ...columns.map(({ title }) => title)],
  columns.map(() => '---').concat('---'),
  ...acts.map((act) => [act, ...columns.map(({ row }) => row[act])]),
].map((cells) => `| ${cells.join(' | ')} |`)
const text = readFileSync(page, 'utf8')
const [begin, end] = marks
if (text.includes(begin)) {
  const before = text.slice(0, text.indexOf(begin) + begin.length)
  writeFileSync(page, `${before}\n\n${table.join('\n')}\n\n${text.slice(text.indexOf(end))}`)
}
execFileSync('npx', ['prettier', '--write', page], { cwd: root, stdio: 'ignore' })
process.exitCode = isAllWhole ? 0 : 1
