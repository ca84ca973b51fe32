/** What a browser is shown at the addresses of the doors, and that programs are answered as before. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import test from 'ava'
import { openDoor } from './door.js'

const html = 'text/html,application/xhtml+xml,*/*;q=0.8'

test('a browser is told what this is, with nothing from elsewhere', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  for (const path of ['', '-/dav/', '-/dav', 'team/laptop/']) {
    const answer = await fetch(`${door.url}${path}`, { headers: { accept: html } })
    t.is(answer.status, 200, path)
    t.regex(answer.headers.get('content-type') ?? '', /^text\/html/)
    const policy = answer.headers.get('content-security-policy') ?? ''
    t.regex(policy, /default-src 'none'.*frame-ancestors 'none'/)
    t.is(answer.headers.get('x-content-type-options'), 'nosniff')
    const page = await answer.text()
    t.regex(page, new RegExp(`restic -r rest:http://127.0.0.1:${door.port}/\\w+`))
    t.notRegex(page, /src=|<script|@import|url\(/)
  }
  const page = await (
    await fetch(`${door.url}team/a%3Cb/`, { headers: { accept: html } })
  ).text()
  t.true(page.includes('/team/a%3Cb '), page)
})

test('other clients are answered as before, and the objects are no pages', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  for (const [path, accept] of [
    ['', '*/*'],
    ['-/dav/', '*/*'],
    ['laptop/', 'application/vnd.x.restic.rest.v2'],
  ] as const) {
    t.is((await fetch(`${door.url}${path}`, { headers: { accept } })).status, 405, path)
  }
  const headers = { accept: html }
  t.is((await fetch(`${door.url}laptop/`, { headers, method: 'DELETE' })).status, 405)
  t.is((await fetch(`${door.url}laptop/config`, { headers })).status, 404)
  t.is((await fetch(`${door.url}-/repositories`, { headers })).status, 200)
})

test('what a client says of the host is not put on the page', async (t) => {
  const door = await openDoor()
  t.teardown(() => door.close())
  const headers = { accept: html, host: '"><script>alert(1)</script>' }
  const asked = request({ port: door.port, host: '127.0.0.1', path: '/', headers }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  t.notRegex(await text(answer), /<script|alert/)
})
