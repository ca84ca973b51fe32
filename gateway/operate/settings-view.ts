/** Shows the settings in force, and where each comes from. No password is among them; one in an address is left out. */
import type { LoadedSettings } from '../../config/gateway-settings.js'
import { asksWho } from '../../config/listener-settings.js'
import { formatListenPlace } from '../../config/listen-place.js'
import { fileKeyOf } from '../../config/option.js'
import type { SettingsView } from './admin/views.js'

export function viewSettings({ settings, said, warnings }: LoadedSettings): SettingsView {
  const entries = Object.entries(said).map(([key, { written, from }]) => {
    return [fileKeyOf(key), { value: shown(written), from: from ?? 'default' }] as const
  })
  const listeners = settings.listeners.map((listener) => ({
    listen: formatListenPlace(listener.place),
    htpasswdFile: listener.htpasswdFile ?? null,
    userHeader: listener.userHeader ?? null,
    byCertificate: listener.byCertificate,
    asksNobody: !asksWho(listener),
    appendOnly: listener.isAppendOnly,
    privateRepos: listener.isPrivate,
    tls: listener.tls ?? null,
    trustedProxies: listener.trusted.map(([range, bits]) => `${range.toString()}/${bits}`),
    proxyProtocol: listener.speaksProxyProtocol,
  }))
  return { settings: Object.fromEntries(entries), listeners, warnings: [...warnings] }
}

function shown(written: unknown): unknown {
  if (Array.isArray(written)) return written.map(shown)
  if (typeof written !== 'string') return written ?? null
  return written.replace(/\/\/[^/@\s]*@/g, '//***@')
}
