/** Knows all checks, and in which order what they find is told. */
import { stat } from 'node:fs/promises'
import type { LoadedSettings } from '../../../config/gateway-settings.js'
import { reachAdmin, type Reached } from '../admin/reach.js'
import { existingFolder } from '../../program/served-folder.js'
import { StartError } from '../../program/start-error.js'
import { stateFolderOf } from '../../program/state/places.js'
import { adviceFor } from './advice.js'
import { made, type Check, type Finding } from './finding.js'
import { checkFileSystems, checkRights, checkSpace, type Folders } from './folders.js'
import { checkLinks } from './links.js'
import { checkClock, checkJournals, checkUse } from './journals.js'
import { checkPasswords, checkPlace, checkProxies, checkTls } from './listening.js'

interface Patient {
  readonly loaded: LoadedSettings
  readonly folders: Folders
  /** Undefined where no gateway has served the folder yet. */
  readonly reached: Reached | undefined
}

/** A gateway that examines itself hands in what it is; a command reaches for it. */
export async function examine(
  loaded: LoadedSettings,
  reach: () => Promise<Reached> = () => reachAdmin(loaded.settings, 'doctor'),
): Promise<Finding[]> {
  const { settings } = loaded
  const path = await existingFolder(settings.path).catch((error: unknown) => {
    if (error instanceof StartError) return error
    throw error
  })
  if (path instanceof StartError) {
    return [{ check: 'rights', level: 'problem', text: path.message }]
  }
  const state = stateFolderOf(path, settings.state)
  const folders = { path, state, quarantineMaxSize: settings.quarantineMaxSize }
  const findings: Finding[] = [
    ...loaded.warnings.map((text) => ({ check: 'settings', level: 'warning', text }) as const),
    ...(await made('file system', () => checkFileSystems(folders))),
    ...(await made('space', () => checkSpace(folders))),
    ...(await made('links', () => checkLinks(path))),
  ]
  let reached: Reached | undefined
  try {
    if (await isThere(state)) reached = await reach()
    else findings.push({ check: 'state', level: 'ok', text: 'no gateway has served it yet' })
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    findings.push({ check: 'state', level: 'problem', text })
  }
  try {
    findings.push(...(await examineWithState({ loaded, folders, reached })))
  } finally {
    await reached?.close()
  }
  return [...findings, ...adviceFor(settings.listeners)]
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  )
}

async function examineWithState({ loaded, folders, reached }: Patient): Promise<Finding[]> {
  const admin = reached?.admin
  const views = (await admin?.status()) ?? []
  const now = Date.now()
  const checks: [string, Check][] = [
    [
      'rights',
      () =>
        checkRights(
          folders,
          views.map(({ name }) => name),
        ),
    ],
    ['clock', () => checkClock(admin, now, views)],
    ['journal', () => (admin === undefined ? [] : checkJournals(admin, views))],
    ['use', () => checkUse(views)],
    ...loaded.settings.listeners.flatMap((listener): [string, Check][] => [
      ['listen', () => (reached?.isServed === true ? [] : checkPlace(listener))],
      ['passwords', () => checkPasswords(listener)],
      ['tls', () => checkTls(listener, now)],
      ['proxies', () => checkProxies(listener)],
    ]),
  ]
  const found: Finding[] = []
  if (reached !== undefined) {
    const text = reached.isServed ? 'a gateway is running' : 'no gateway is running'
    found.push({ check: 'state', level: 'ok', text })
  }
  for (const [name, check] of checks) found.push(...(await made(name, check)))
  return found
}
