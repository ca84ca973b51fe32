/** Decides what an operator is told of links in the served folder: none is followed. */
import { readlink } from 'node:fs/promises'
import { localDisk } from '../../../backends/local/disk.js'
import { patientDisk } from '../../../backends/local/patient-disk.js'
import { findLinks } from '../../../backends/local/walking.js'
import type { Finding } from './finding.js'

/** One sentence for each link in the place of a repository or of a folder of one. */
export async function linkWarnings(folder: string): Promise<string[]> {
  const links = await findLinks(patientDisk({ disk: localDisk, root: folder }), folder)
  return Promise.all(
    links.map(async (link) => {
      const target = await readlink(link).catch(() => '?')
      return (
        `"${link}" is a symbolic link to "${target}", which is not followed: whatever lies there is refused. ` +
        `Put an empty folder in its place and mount the other on it (mount --bind)`
      )
    }),
  )
}

export async function checkLinks(folder: string): Promise<Finding[]> {
  const warnings = await linkWarnings(folder)
  if (warnings.length === 0) {
    return [{ check: 'links', level: 'ok', text: 'no repository is reached over a link' }]
  }
  return warnings.map((text) => ({ check: 'links', level: 'problem', text }))
}
