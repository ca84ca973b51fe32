/** Runs a soak and prints what happened; exit code 1 where the repository is damaged or a success was lost. */
import { World } from '../end-to-end/harness/world.js'
import { parseSettings } from './settings.js'
import { soak, type SoakReport } from './soak.js'

const table = (title: string, counts: Readonly<Record<string, number>>): string =>
  [
    `${title}:`,
    ...Object.entries(counts).map(([what, count]) => `${String(count).padStart(7)}  ${what}`),
  ].join('\n')

const describe = (report: SoakReport): string =>
  [
    `${report.clients} clients for ${report.seconds} s, seed ${report.seed}`,
    table('Runs of restic', report.acts),
    table('Disturbances', report.disturbances),
    table('Journal', report.journal),
    ...(report.stories.length > 0 ? ['Failures that no refusal explains:'] : []),
    ...report.stories.map((story) => `  ${story}`),
    `${report.restored} backups that reported success and are not forgotten were restored and compared.`,
    ...(report.problems.length > 0
      ? ['DAMAGED:', ...report.problems]
      : ['SOUND: check --read-data found nothing, the journal verifies.']),
  ].join('\n')

const settings = parseSettings(process.argv[2])
let close = async (): Promise<void> => undefined
const world = await World.open({
  teardown: (end) => {
    close = async () => end()
  },
})
try {
  const report = await soak(world, settings)
  console.log(settings.isJson ? JSON.stringify(report, undefined, 2) : describe(report))
  process.exitCode = report.problems.length === 0 ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await close()
}
