/** Checks what the folders of a gateway must be: there, writable, roomy, and the state's on a disk of this machine. */
import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, messageOf } from '../../program/fault.js'
import {
  isOnReadOnlyVolume,
  networkFileSystemOf,
  refuseNetworkFileSystem,
} from '../../program/state/file-system.js'
import { readOnlyWarning } from '../../program/served-folder.js'
import type { Finding } from './finding.js'

export interface Folders {
  readonly path: string
  readonly state: string
  readonly quarantineMaxSize: number
}

const GIB = 1024 ** 3
const freeBytesLow = 5 * GIB
const freeBytesOut = GIB / 4
const freeInodesLow = 10_000
const partsOfRepository = ['data', 'index', 'keys', 'locks', 'snapshots'] as const

export async function checkRights(
  { path, state }: Folders,
  repositories: readonly string[],
): Promise<Finding[]> {
  const places = [
    path,
    (await isThere(state)) ? state : dirname(state),
    ...['staging', 'quarantine', 'archive'].map((name) => join(state, name)),
    ...repositories.flatMap((name) =>
      partsOfRepository.map((part) => join(path, name === '/' ? '' : name, part)),
    ),
  ]
  const findings: Finding[] = []
  for (const place of places) {
    const why = await whyNotWritable(place)
    if (why === undefined) continue
    const user = process.getuid?.() ?? '?'
    const text = (await isOnReadOnlyVolume(place))
      ? readOnlyWarning(place)
      : `"${place}" cannot be read and written by user ${user}: ${why}`
    findings.push({ check: 'rights', level: 'problem', text })
  }
  const owner = (await isThere(state)) ? (await stat(state)).uid : undefined
  if (owner !== undefined && owner !== process.getuid?.()) {
    const text = `the state belongs to user ${owner}; run this as that user to see what the gateway may do`
    findings.push({ check: 'rights', level: 'warning', text })
  }
  if (findings.length > 0) return findings
  return [{ check: 'rights', level: 'ok', text: `all folders can be read and written` }]
}

async function isThere(place: string): Promise<boolean> {
  return stat(place).then(
    () => true,
    () => false,
  )
}

/** What is not there yet is made when it is needed. */
async function whyNotWritable(place: string): Promise<string | undefined> {
  try {
    await access(place, constants.R_OK | constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : messageOf(error)
  }
}

export async function checkSpace({
  path,
  state,
  quarantineMaxSize,
}: Folders): Promise<Finding[]> {
  const places = [...new Set([path, (await isThere(state)) ? state : dirname(state)])]
  const each = await Promise.all(places.map((place) => spaceIn(place, quarantineMaxSize)))
  return each.flat()
}

async function spaceIn(place: string, quarantineMaxSize: number): Promise<Finding[]> {
  const { bavail, bsize, files, ffree } = await statfs(place)
  const free = bavail * bsize
  const said = `${(free / GIB).toFixed(1)} GiB are free in "${place}"`
  const inodes: Finding[] =
    files > 0 && ffree < freeInodesLow
      ? [
          {
            check: 'space',
            level: 'warning',
            text: `only ${ffree} more files can be made in "${place}"`,
          },
        ]
      : []
  return [spaceFinding(free, said, quarantineMaxSize), ...inodes]
}

function spaceFinding(free: number, said: string, quarantineMaxSize: number): Finding {
  const check = 'space'
  if (free < freeBytesOut) {
    return { check, level: 'problem', text: `${said}: writes will soon be refused; make room` }
  }
  if (free < freeBytesLow) return { check, level: 'warning', text: `${said}; make room` }
  if (free < quarantineMaxSize) {
    const text = `${said}, less than --quarantine-max-size may take; lower it`
    return { check, level: 'warning', text }
  }
  return { check, level: 'ok', text: said }
}

export async function checkFileSystems({ path, state }: Folders): Promise<Finding[]> {
  await refuseNetworkFileSystem((await isThere(state)) ? state : dirname(state))
  const check = 'file system'
  const name = await networkFileSystemOf(path)
  if (name === undefined) return [{ check, level: 'ok', text: 'the state is on a local disk' }]
  const text = `the repositories are on a network file system (${name}): nothing keeps another machine from changing them past the gateway`
  return [{ check, level: 'warning', text }]
}
