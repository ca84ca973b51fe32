/** Pages in a browser: what they send is not carried out, and what programs send is. */
import test from 'ava'
import type { RepositoryId } from '../../fencing/object.js'
import { refusalOfPage } from '../../gateway/http/pages.js'
import { ask } from './raw-client.js'
import { openDoor } from './door.js'

interface Case {
  readonly what: string
  readonly headers: Readonly<Record<string, string>>
  readonly isFromProxy?: true
  readonly isRefused: boolean
}

const box = { host: '127.0.0.1:8000' }
const evil = 'http://evil.example'
const crossSite = { ...box, 'sec-fetch-site': 'cross-site' }

const cases: readonly Case[] = [
  { what: 'restic', headers: box, isRefused: false },
  { what: 'restic at localhost', headers: { host: 'localhost:8000' }, isRefused: false },
  { what: 'restic at an IPv6 address', headers: { host: '[::1]:8000' }, isRefused: false },
  { what: 'restic at a name of the machine', headers: { host: 'Box:8000' }, isRefused: false },
  { what: 'HTTP/1.0', headers: {}, isRefused: false },
  { what: 'a name that leads here', headers: { host: 'evil.example:8000' }, isRefused: true },
  { what: 'such a name in HTTP/2', headers: { ':authority': 'evil.example' }, isRefused: true },
  {
    what: 'a proxy that is declared',
    headers: { host: 'backup.example.org' },
    isFromProxy: true,
    isRefused: false,
  },
  { what: 'a page that posts', headers: { ...box, origin: evil }, isRefused: true },
  { what: 'a page in a frame', headers: { ...box, origin: 'null' }, isRefused: true },
  {
    what: 'a page on another port',
    headers: { ...box, origin: 'http://127.0.0.1:3000' },
    isRefused: true,
  },
  {
    what: 'a page through a declared proxy',
    headers: { host: 'x', origin: evil },
    isFromProxy: true,
    isRefused: true,
  },
  {
    what: 'a page that only asks',
    headers: { ...crossSite, 'sec-fetch-mode': 'no-cors' },
    isRefused: true,
  },
  {
    what: 'an own page',
    headers: { ...box, origin: 'http://127.0.0.1:8000', 'sec-fetch-site': 'same-origin' },
    isRefused: false,
  },
  {
    what: 'an own page of an older browser',
    headers: { host: 'localhost:80', origin: 'http://localhost' },
    isRefused: false,
  },
  {
    what: 'an own page behind a proxy',
    headers: { ...box, 'x-forwarded-host': 'b.example', origin: 'https://b.example' },
    isFromProxy: true,
    isRefused: false,
  },
  {
    what: 'a link that somebody follows',
    headers: { ...crossSite, 'sec-fetch-mode': 'navigate' },
    isRefused: false,
  },
]

for (const { what, headers, isFromProxy = false, isRefused } of cases) {
  test(`${isRefused ? 'refused' : 'served'}: ${what}`, (t) => {
    const refusal = refusalOfPage({ headers, method: 'GET' }, isFromProxy, ['box'])
    t.is(refusal !== undefined, isRefused)
    if (refusal !== undefined) t.regex(refusal.sentence, /^[\x20-\x7e]{1,200}$/)
  })
}

test('where people are asked who they are any name will do, and pages will not', (t) => {
  const isRefused = (headers: Record<string, string>): boolean =>
    refusalOfPage({ headers, method: 'POST' }, false, undefined) !== undefined
  t.false(isRefused({ host: 'backup.example.org' }))
  t.true(isRefused({ host: 'backup.example.org', origin: 'https://evil.example' }))
})

test('who is refused reads why, and nothing was made', async (t) => {
  const door = await openDoor({ listener: { names: [] } })
  t.teardown(() => door.close())
  const headers = [`Origin: ${evil}`, 'Content-Type: text/plain']
  const answer = await ask(door.port, 'POST', '/repo/?create=true', { headers, body: 'x' })
  t.is(answer.status, 403)
  t.regex(answer.reason, /page of another site/)
  t.false(await door.gate.exists('repo' as RepositoryId))
})
