/** The commands of restic whose requests are looked at, in an order in which each finds what it needs. */
import type { ResticVersion } from '../end-to-end/harness/clients.js'

export interface Command {
  readonly name: string
  readonly args: readonly string[]
  /** Versions that do not know it. */
  readonly without?: readonly ResticVersion[]
  /** It is asked with another restic's lock there, whose process is dead. */
  readonly besideLock?: boolean
  readonly needs?: 'new files' | 'another repository' | 'version 1' | 'damage'
}

const OLD = ['0.14'] as const

const reading: readonly Command[] = [
  { name: 'snapshots', args: ['snapshots'] },
  { name: 'snapshots --no-lock', args: ['--no-lock', 'snapshots'] },
  { name: 'stats', args: ['stats'] },
  { name: 'ls', args: ['ls', 'latest'] },
  { name: 'find', args: ['find', 'new'] },
  { name: 'find --blob', args: ['find', '--blob', '0123456789abcdef'] },
  { name: 'diff', args: ['diff', 'SNAPSHOT', 'SNAPSHOT'] },
  { name: 'dump', args: ['dump', 'latest', '/new'] },
  { name: 'restore', args: ['restore', 'latest', '--target', 'TARGET'] },
  { name: 'cat config', args: ['cat', 'config'] },
  { name: 'list locks', args: ['list', 'locks', '--no-lock'] },
  { name: 'list snapshots', args: ['list', 'snapshots'] },
  { name: 'list index', args: ['list', 'index'] },
  { name: 'list packs', args: ['list', 'packs'] },
  { name: 'list blobs', args: ['list', 'blobs'] },
  { name: 'cache', args: ['cache'] },
  { name: 'check', args: ['check'] },
  { name: 'check --read-data', args: ['check', '--read-data'] },
  { name: 'check --no-lock', args: ['check', '--no-lock'] },
]

const writing: readonly Command[] = [
  { name: 'backup', args: ['backup', '.'], needs: 'new files' },
  { name: 'backup, nothing new', args: ['backup', '.'] },
  { name: 'backup --dry-run', args: ['backup', '--dry-run', '.'] },
  { name: 'backup --no-lock --dry-run', args: ['--no-lock', 'backup', '--dry-run', '.'] },
  { name: 'backup beside a dead lock', args: ['backup', '.'], besideLock: true },
  { name: 'unlock', args: ['unlock'], besideLock: true },
  { name: 'prune beside a dead lock', args: ['prune'], besideLock: true },
  { name: 'unlock --remove-all', args: ['unlock', '--remove-all'], besideLock: true },
  { name: 'tag', args: ['tag', '--add', 'x', 'latest'] },
  { name: 'rewrite', args: ['rewrite', '--exclude', 'new', 'latest'], without: OLD },
  {
    name: 'rewrite --forget',
    args: ['rewrite', '--forget', '--exclude', 'changed', 'latest'],
    without: OLD,
  },
  { name: 'copy (target)', args: ['copy'], needs: 'another repository' },
  { name: 'key list', args: ['key', 'list'] },
  { name: 'key add', args: ['key', 'add', '--new-password-file', 'PASSWORD'] },
  { name: 'key passwd', args: ['key', 'passwd', '--new-password-file', 'PASSWORD'] },
  { name: 'key remove', args: ['key', 'remove', 'OTHER-KEY'] },
  { name: 'recover', args: ['recover'] },
  { name: 'recover, a snapshot lost', args: ['recover'], needs: 'damage' },
  { name: 'repair snapshots', args: ['repair', 'snapshots'], without: OLD },
  {
    name: 'repair snapshots --forget',
    args: ['repair', 'snapshots', '--forget'],
    without: OLD,
  },
  { name: 'repair packs', args: ['repair', 'packs', 'PACK'], without: OLD },
  { name: 'repair index', args: ['repair', 'index'], without: OLD },
  { name: 'rebuild-index', args: ['rebuild-index'] },
  { name: 'rebuild-index --read-all-packs', args: ['rebuild-index', '--read-all-packs'] },
]

const removing: readonly Command[] = [
  { name: 'migrate (list)', args: ['migrate'] },
  { name: 'migrate upgrade_repo_v2', args: ['migrate', 'upgrade_repo_v2'], needs: 'version 1' },
  { name: 'forget', args: ['forget', 'latest'] },
  { name: 'prune', args: ['prune', '--max-unused', '0'] },
  { name: 'prune --dry-run', args: ['prune', '--dry-run'] },
  {
    name: 'forget --prune',
    args: ['forget', '--prune', '--max-unused', '0', '--group-by', '', '--keep-last', '1'],
  },
]

export const commands: readonly Command[] = [...reading, ...writing, ...removing]
