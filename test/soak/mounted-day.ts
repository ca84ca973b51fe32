/**
 * `npm run soak -- --fuse`: a day of one mount in minutes. Many runs of both versions of restic one after
 * another and side by side, and people who walk through the folders; then a gateway that hangs. Exit code 1 where what the
 * processes hold of the machine grew, where a caller was left waiting, or where anything was damaged.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Child } from '../end-to-end/harness/child.js'
import { RESTIC_VERSIONS, type ResticVersion } from '../end-to-end/harness/clients.js'
import { writeFiles } from '../end-to-end/harness/content.js'
import { gatewayCommand } from '../end-to-end/harness/service.js'
import { soundness } from '../end-to-end/harness/soundness.js'
import { MountFolder, removeLeftMounts } from '../end-to-end/harness/test-mount.js'
import { World } from '../end-to-end/harness/world.js'
import { helperOf, vitalsOf, type Vitals } from './vitals.js'

const sampleMs = 2_000
const perClient = 12
/** A little more than the deadline of a look (90 s). */
const hangMaxMs = 100_000
/** What the last third of the time may have above the first: the noise of a heap and of connections that come and go. */
const growthMax = { threads: 4, descriptors: 16, residentMiB: 48 } as const

interface Sample {
  readonly gateway: Vitals
  readonly helper: Vitals
}

interface Day {
  readonly world: World
  readonly mount: MountFolder
  readonly gateway: Child
  readonly counts: Map<string, number>
}

export const liveMountedDay = async (
  minutes: number,
  say: (line: string) => void,
): Promise<boolean> => {
  removeLeftMounts()
  let close = async (): Promise<void> => undefined
  const world = await World.open({
    teardown: (end) => (close = async () => end()),
  })
  const mount = await MountFolder.make()
  try {
    const folders = [await world.repository('0.14', 'a'), await world.repository('0.18', 'b')]
    const [file, ...args] = gatewayCommand([
      ...[
        'serve',
        '--path',
        world.repositories,
        '--listen',
        '127.0.0.1:0',
        '--fuse',
        mount.path,
      ],
      ...['--log-level', 'warn'],
    ])
    const gateway = new Child(file, args, { env: world.environment() })
    try {
      await gateway.says(/Look at it:/, 120_000)
      const day = { world, mount, gateway, counts: new Map<string, number>() }
      const samples = await live(day, minutes * 60_000)
      say([...day.counts].map(([what, count]) => `${count} × ${what}`).join(', '))
      const growth = growthOf(samples)
      say(tableOf(samples))
      const hang = await hangOf(day)
      say(
        `a look at a gateway that hangs: ${hang.answer} after ${Math.round(hang.ms / 1000)} s`,
      )
      const damage: string[] = []
      for (const folder of folders) damage.push(...(await soundness(world, folder, [])))
      const problems = [...growth, ...hang.problems, ...damage]
      for (const problem of problems) say(`NOT as promised: ${problem}`)
      return problems.length === 0
    } finally {
      gateway.signal('SIGTERM')
      await gateway.ended
    }
  } finally {
    await mount.remove()
    await close()
  }
}

const live = async (day: Day, ms: number): Promise<readonly Sample[]> => {
  const { gateway } = day
  const { pid = 0 } = gateway
  const helper = await helperOf(pid)
  const ending = AbortSignal.timeout(ms)
  const samples: Sample[] = []
  const sampling = async (): Promise<void> => {
    while (!ending.aborted) {
      samples.push({ gateway: await vitalsOf(pid), helper: await vitalsOf(helper) })
      await delay(sampleMs)
    }
  }
  const [old, young] = RESTIC_VERSIONS
  await Promise.all([
    sampling(),
    client(day, 'a', old, ending),
    client(day, 'b', young, ending),
    client(day, 'b', young, ending, 'other'),
    walker(day, ending),
  ])
  return samples
}

/** Backs up again and again, forgets and prunes now and then. */
const client = async (
  { world, mount, counts }: Day,
  repository: string,
  version: ResticVersion,
  ending: AbortSignal,
  name = 'first',
): Promise<void> => {
  const files = world.path('files', `${repository}-${name}`)
  const retry = version === '0.14' ? [] : ['--retry-lock', '1m']
  const run = async (...args: string[]): Promise<void> => {
    const child = world.restic(
      version,
      ['-r', join(mount.path, repository), ...retry, ...args],
      {
        home: `${repository}-${name}`,
      },
    )
    const { code, stderr } = await child.ended
    const what = `${args[0] ?? ''} (${version})${code === 0 ? '' : ` exit ${code ?? '?'}`}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
    if (code !== 0 && !/lock|overtook|permission denied/.test(stderr)) throw new Error(stderr)
  }
  for (let round = 0; !ending.aborted; round += 1) {
    await writeFiles(files, `${name}/${round}`, { [`file-${round % 5}`]: 200_000 + round })
    await run('backup', files, '--host', name)
    if (round % perClient === perClient - 1) {
      await run('forget', '--host', name, '--keep-last', '3', '--prune')
    }
  }
}

const walker = async ({ mount, counts }: Day, ending: AbortSignal): Promise<void> => {
  const script = 'find "$1" -type f -size -64k -print0 | xargs -0 cat | wc -c'
  while (!ending.aborted) {
    const child = new Child('sh', ['-c', script, 'sh', mount.path], {
      env: { PATH: process.env.PATH ?? '' },
    })
    await child.ended
    counts.set('walk', (counts.get('walk') ?? 0) + 1)
    await delay(3_000)
  }
}

/** The least of a third is what the process holds when nothing is under way. */
const least = (samples: readonly Sample[], who: keyof Sample): Vitals => {
  const of = (what: keyof Vitals): number => Math.min(...samples.map((one) => one[who][what]))
  return {
    threads: of('threads'),
    descriptors: of('descriptors'),
    residentMiB: of('residentMiB'),
  }
}

const thirdsOf = (samples: readonly Sample[]): readonly (readonly Sample[])[] =>
  [0, 1, 2].map((third) =>
    samples.slice(
      Math.floor((samples.length * third) / 3),
      Math.floor((samples.length * (third + 1)) / 3),
    ),
  )

const growthOf = (samples: readonly Sample[]): readonly string[] => {
  const [, before = [], after = []] = thirdsOf(samples)
  return (['gateway', 'helper'] as const).flatMap((who) => {
    const [was, is] = [least(before, who), least(after, who)]
    return (['threads', 'descriptors', 'residentMiB'] as const).flatMap((what) =>
      is[what] - was[what] > growthMax[what]
        ? [`the ${who}'s ${what} grew from ${was[what]} to ${is[what]}`]
        : [],
    )
  })
}

const tableOf = (samples: readonly Sample[]): string =>
  (['gateway', 'helper'] as const)
    .map((who) => {
      const thirds = thirdsOf(samples).map((third) => least(third, who))
      const row = (what: keyof Vitals): string =>
        `${what} ${thirds.map((vitals) => Math.round(vitals[what])).join(' → ')}`
      return `${who}: ${row('threads')}; ${row('descriptors')}; ${row('residentMiB')} (the least of each third of the time)`
    })
    .join('\n')

/** The gateway is stopped where it stands; a program asks the mount, and must be let go with an error. */
const hangOf = async ({
  gateway,
  mount,
}: Day): Promise<{ ms: number; answer: string; problems: readonly string[] }> => {
  // Alone: whoever stops the process of the mount too stops all who ask it.
  gateway.signal('SIGSTOP')
  const begun = performance.now()
  const asking = spawn('stat', [join(mount.path, 'a', 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let answer = ''
  asking.stderr.setEncoding('utf8').on('data', (text: string) => (answer += text))
  const exited = new Promise<number>((resolve) =>
    asking.once('close', (code) => resolve(code ?? -1)),
  )
  const code = await Promise.race([exited, delay(hangMaxMs, 'late' as const, { ref: false })])
  const ms = performance.now() - begun
  gateway.signal('SIGCONT')
  await exited
  const problems = [
    ...(code === 'late' ? [`a caller waited for more than ${hangMaxMs / 1000} s`] : []),
    ...(code === 0 ? ['a gateway that hung was answered for'] : []),
  ]
  // It goes on as before, a moment later: what has just hung is not asked for again at once.
  await delay(2 * sampleMs)
  const after = await readFile(join(mount.path, 'a', 'config')).catch((error: unknown) => error)
  if (!Buffer.isBuffer(after)) problems.push(`afterwards the mount says: ${String(after)}`)
  return { ms, answer: answer.trim(), problems }
}
