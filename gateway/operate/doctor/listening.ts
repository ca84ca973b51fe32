/** Knows what can be wrong with a listener: its place, its passwords, its TLS files, and the proxies it believes. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { ListenerSettings, TlsFilesSettings } from '../../../config/listener-settings.js'
import { formatListenPlace, isLocal } from '../../../config/listen-place.js'
import { faultOfAddress } from '../../program/address-check.js'
import { mixedCostsWarning, parsePasswords } from '../../http/authentication/password-file.js'
import type { Finding, Level } from './finding.js'

const dayMs = 24 * 60 * 60_000
const expiresSoonDays = 21

export async function checkPlace({ place }: ListenerSettings): Promise<Finding[]> {
  if (place.kind !== 'address') return []
  const fault = await faultOfAddress(place.address)
  if (fault !== undefined) return [say('listen', 'problem', fault.message)]
  return [say('listen', 'ok', `${formatListenPlace(place)} is free`)]
}

export async function checkPasswords(listener: ListenerSettings): Promise<Finding[]> {
  const { htpasswdFile: file, place, tls } = listener
  const findings: Finding[] = []
  if (file !== undefined) {
    const text = await readFile(file, 'utf8')
    const { entries, problems } = parsePasswords(text)
    for (const problem of problems)
      findings.push(say('passwords', 'warning', `${file}: ${problem}`))
    if (entries.size === 0) findings.push(say('passwords', 'problem', `${file} names no user`))
    const weak = [...entries].filter(([, hash]) => hash.startsWith('{SHA}'))
    if (weak.length > 0) {
      const users = weak.map(([user]) => user).join(', ')
      const told = `${file}: the passwords of ${users} are kept as {SHA}, which is quickly guessed; use htpasswd -B`
      findings.push(say('passwords', 'warning', told))
    }
    const mixed = mixedCostsWarning(entries)
    if (mixed !== undefined) findings.push(say('passwords', 'warning', `${file}: ${mixed}`))
    if (await mayOthersRead(file)) {
      findings.push(say('passwords', 'warning', `${file} can be read by everybody; chmod 640`))
    }
    if (findings.length === 0) {
      findings.push(say('passwords', 'ok', `${file} names ${entries.size} users`))
    }
    if (tls === undefined && !isLocal(place)) {
      const where = formatListenPlace(place)
      const told = `passwords go over the network in the clear to ${where}; give --tls, or put a proxy with TLS before it`
      findings.push(say('passwords', 'warning', told))
    }
  }
  return findings
}

async function mayOthersRead(file: string): Promise<boolean> {
  return ((await stat(file)).mode & 0o004) !== 0
}

export async function checkTls({ tls }: ListenerSettings, now: number): Promise<Finding[]> {
  if (tls === undefined) return []
  const { certificateFile, keyFile, clientCaFile } = tls
  const findings = [
    ...(await checkKeyPair(tls)),
    ...(await expiryOf('certificate', certificateFile, now)),
    ...(clientCaFile === undefined
      ? []
      : await expiryOf('client authority', clientCaFile, now)),
  ]
  if (await mayOthersRead(keyFile)) {
    findings.push(say('tls', 'warning', `${keyFile} can be read by everybody; chmod 640`))
  }
  return findings
}

async function checkKeyPair({
  certificateFile,
  keyFile,
}: TlsFilesSettings): Promise<Finding[]> {
  const [cert, key] = [await readFile(certificateFile), await readFile(keyFile)]
  createSecureContext({ cert })
  if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return []
  return [say('tls', 'problem', `${keyFile} is not the key of ${certificateFile}`)]
}

/** Of a chain, the one that ends first. */
async function expiryOf(what: string, file: string, now: number): Promise<Finding[]> {
  const blocks = (await readFile(file, 'utf8')).match(
    /-----BEGIN CERT[^]+?-----END CERT[^\n]+/g,
  )
  const ends = (blocks ?? []).map((block) => Date.parse(new X509Certificate(block).validTo))
  if (ends.length === 0) return [say('tls', 'problem', `${file} holds no certificate`)]
  const end = Math.min(...ends)
  const days = Math.floor((end - now) / dayMs)
  const until = new Date(end).toISOString().slice(0, 10)
  if (end <= now) return [say('tls', 'problem', `the ${what} ${file} expired on ${until}`)]
  const level = days < expiresSoonDays ? 'warning' : 'ok'
  return [say('tls', level, `the ${what} ${file} ends on ${until}, in ${days} days`)]
}

export function checkProxies({ place, trusted }: ListenerSettings): Finding[] {
  const where = formatListenPlace(place)
  if (trusted.length === 0) {
    const told = `no proxy is declared for ${where}; behind one, read docs/PROXIES.md`
    return [say('proxies', 'ok', told)]
  }
  const wide = trusted.filter(([, bits]) => bits < 8)
  if (wide.length > 0) {
    const ranges = wide.map(([range, bits]) => `${range.toString()}/${bits}`).join(', ')
    const told = `--trusted-proxy ${ranges} lets nearly everybody say who they are; name the proxies`
    return [say('proxies', 'warning', told)]
  }
  const told = `${trusted.length} ranges of proxies are believed at ${where}; each has to name the client and its line`
  return [say('proxies', 'ok', told)]
}

function say(check: string, level: Level, text: string): Finding {
  return { check, level, text }
}
