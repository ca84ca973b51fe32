/** What the operator's API is handed. */
import type { Finding } from '../doctor/finding.js'
import type { Admin } from '../admin/admin.js'
import type { Recordings } from '../admin/following.js'
import type { SettingsView } from '../admin/views.js'
import type { Scrape } from '../metrics/metrics.js'

export interface ApiParts {
  readonly admin: Admin
  readonly recordings: Recordings
  /** What the gateway runs with; no secret is among it. */
  readonly settings: SettingsView
  /** Folders whose disks may fill. */
  readonly places: readonly string[]
  readonly examine: () => Promise<readonly Finding[]>
  /** Why nothing can be written, where that is so. */
  readonly fault: () => string | undefined
  /** All figures for a monitor; undefined where nothing is counted. */
  readonly scrape: (() => Promise<Scrape>) | undefined
}
