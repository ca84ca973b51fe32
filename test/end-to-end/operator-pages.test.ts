/** The operators' pages in a real browser: with and without scripts, in the dark, on a phone, by keyboard, and attacked. */
import type { ExecutionContext } from 'ava'
import { request } from 'undici'
import type { Browser, Page } from 'playwright-core'
import { overtake } from '../gateway/rest-writer.js'
import { faultsOf, openBrowser, openPage } from './harness/browser.js'
import { quarantineOf, journalOf } from './harness/facts.js'
import { freePort, type Service } from './harness/service.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'

interface Scene {
  readonly world: World
  readonly gateway: Service
  readonly base: string
  readonly browser: Browser
}

const open = async (t: ExecutionContext): Promise<Scene> => {
  const world = await World.open(t)
  const port = await freePort()
  const gateway = await world.gateway({ args: ['--admin-listen', `127.0.0.1:${port}`] })
  return { world, gateway, base: `http://127.0.0.1:${port}`, browser: await openBrowser(t) }
}

const linkOf = async (world: World): Promise<string> =>
  (await world.lockkeeper('ui')).stdout.trim()

const addresses = async ({ world }: Scene): Promise<string[]> => {
  const [item] = await quarantineOf(world)
  const id = encodeURIComponent(`repo:${item?.id ?? ''}`)
  const opened = (await journalOf(world)).find(({ kind }) => kind === 'opened')
  const writer = encodeURIComponent(`repo:${String(opened?.writer)}`)
  return [
    ...['/-/ui/', '/-/ui/repositories/repo', '/-/ui/items', `/-/ui/items/${id}`],
    ...[`/-/ui/items/${id}/release`, `/-/ui/items/${id}/discard`, `/-/ui/writers/${writer}`],
    ...['/-/ui/journal', '/-/ui/journal?kind=refused&repository=repo', '/-/ui/health'],
    '/-/ui/repositories/repo/fence',
  ]
}

testWith('chromium')(
  'every page is fit for everybody: in light and wide, in dark and on a phone',
  async (t) => {
    const scene = await open(t)
    await overtake(scene.gateway.port, 'repo')
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const viewport = { width, height: 800 }
      const { page, complaints } = await openPage(scene.browser, { colorScheme, viewport })
      await page.setContent('<img src="data:,">')
      t.true((await faultsOf(page)).length > 0, 'faults are found where there are some')
      await page.goto(await linkOf(scene.world))
      for (const address of await addresses(scene)) {
        const answer = await page.goto(`${scene.base}${address}`)
        t.is(answer?.status(), 200, address)
        t.deepEqual(await faultsOf(page), [], `${address} ${colorScheme} ${width}`)
        const overflow = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        t.true(overflow <= 0, `${address} is wider than ${width} by ${overflow}`)
      }
      t.deepEqual(complaints, [])
      await page.context().close()
    }
  },
)

const act = async (page: Page, verb: RegExp, reason: string, force: boolean): Promise<void> => {
  await page.getByLabel(/^Why\?/).fill(reason)
  if (force) await page.getByRole('checkbox').check()
  await page.getByRole('button', { name: verb }).click()
}

testWith('chromium')(
  'without scripts a pack is found, downloaded and released, an index discarded',
  async (t) => {
    const scene = await open(t)
    const { page } = await openPage(scene.browser, { javaScriptEnabled: false })
    await page.goto(await linkOf(scene.world))
    t.regex((await page.getByRole('status').textContent()) ?? '', /Everything is all right/)
    const late = await overtake(scene.gateway.port, 'repo')
    await page.reload()
    t.regex(
      (await page.getByRole('status').textContent()) ?? '',
      /repo needs you: 2 refused writes/,
    )
    await page.getByRole('link', { name: '2 items' }).click()
    await page
      .getByRole('row', { name: /data\// })
      .getByRole('link', { name: /^q-/ })
      .click()
    t.regex((await page.getByRole('main').textContent()) ?? '', /no longer true/)
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download its bytes' }).click()
    const stream = await (await downloading).createReadStream()
    t.is((await stream.toArray()).join(''), late.pack.bytes.toString())
    await page.getByRole('link', { name: 'Release it' }).click()
    await act(page, /Release it/, 'wanted by Ann', false)
    t.regex((await page.getByRole('main').textContent()) ?? '', /it is released/)
    await page.getByRole('link', { name: 'Quarantine' }).click()
    await page
      .getByRole('row', { name: /index\// })
      .getByRole('link', { name: /^q-/ })
      .click()
    await page.getByRole('link', { name: 'Discard it' }).click()
    await act(page, /Discard it/, 'it has run again', false)
    t.deepEqual(await quarantineOf(scene.world), [])
    const acts = (await journalOf(scene.world)).filter(({ kind }) =>
      /released|discarded/.test(kind),
    )
    t.like(acts, { 0: { reason: 'wanted by Ann' }, 1: { reason: 'it has run again' } })
    for (const { by } of acts) t.regex(String(by), /\(uid \d+\), by link$/)
  },
)

testWith('chromium')('with scripts the first page turns by itself', async (t) => {
  const scene = await open(t)
  const { page, complaints } = await openPage(scene.browser)
  await page.goto(await linkOf(scene.world))
  await page.getByText('Everything is all right').waitFor()
  await overtake(scene.gateway.port, 'repo')
  await page.getByText('repo needs you').waitFor({ timeout: 20_000 })
  t.deepEqual(complaints, [])
})

testWith('chromium')('by keyboard alone an item is released by force', async (t) => {
  const scene = await open(t)
  await overtake(scene.gateway.port, 'repo')
  const item = (await quarantineOf(scene.world)).find(({ object }) =>
    object.startsWith('index/'),
  )
  const { page } = await openPage(scene.browser)
  await page.goto(await linkOf(scene.world))
  const focusOn = async (name: RegExp): Promise<void> => {
    for (let tabs = 0; tabs < 120; tabs += 1) {
      await page.keyboard.press('Tab')
      const text = await page.evaluate<string>(
        '(document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent ?? ""',
      )
      if (name.test(text.trim())) return
    }
    t.fail(`no way to ${String(name)} by keyboard`)
  }
  const follow = async (name: RegExp): Promise<void> => {
    await focusOn(name)
    const before = page.url()
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.href !== before)
  }
  await follow(/^2 items/)
  await follow(new RegExp(`^${item?.id ?? ''}$`))
  await follow(/^Release it/)
  await focusOn(/^Why\?/)
  await page.keyboard.type('checked by hand')
  await focusOn(/^I know better/)
  await page.keyboard.press('Space')
  await follow(/^Release it$/)
  t.like((await journalOf(scene.world)).at(-1), { kind: 'released', forced: true })
})

testWith('chromium')(
  'the picture shows the overlap of a sleeper and a prune, and each mark leads to its record',
  async (t) => {
    const scene = await open(t)
    await overtake(scene.gateway.port, 'repo')
    const { page } = await openPage(scene.browser)
    await page.goto(await linkOf(scene.world))
    await page.goto(`${scene.base}/-/ui/repositories/repo`)
    const marks = page.locator('svg a')
    const all = await marks.all()
    const labels = await Promise.all(all.map((mark) => mark.getAttribute('aria-label')))
    const at = (word: RegExp): number => labels.findIndex((label) => word.test(label ?? ''))
    const [born, pruned, fenced] = [at(/began/), at(/deleted data/), at(/was fenced/)]
    t.true(born >= 0 && born < pruned && pruned < fenced, labels.join('\n'))
    await marks.nth(fenced).click()
    const first = page.locator('tbody tr').first()
    t.is(
      await first
        .locator('td')
        .nth(4)
        .textContent()
        .then((text) => text?.trim()),
      labels[fenced] ?? undefined,
    )
  },
)

testWith('chromium')('what clients call themselves runs nowhere', async (t) => {
  const scene = await open(t)
  const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
  const tag = 'a.b~c-d_e'
  const { port } = scene.gateway
  const name = encodeURIComponent(`x${evil}`)
  const door = `http://127.0.0.1:${port}`
  const made = await request(`${door}/${name}/?create=true`, { method: 'POST' })
  await made.body.dump()
  const config = await request(`${door}/-/w/${tag}/${name}/config`, {
    method: 'POST',
    body: 'config',
  })
  await config.body.dump()
  const opened = await request(`${door}/-/w/${tag}/${name}/config`, { method: 'HEAD' })
  await opened.body.dump()
  await overtake(port, 'repo')
  const { page, complaints } = await openPage(scene.browser)
  const dialogs: string[] = []
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message())
    void dialog.dismiss()
  })
  await page.goto(await linkOf(scene.world))
  const [item] = await quarantineOf(scene.world)
  await page.goto(`${scene.base}/-/ui/items/${item?.id ?? ''}/discard`)
  await act(page, /Discard it/, evil, false)
  const places = [
    '/-/ui/',
    '/-/ui/journal',
    `/-/ui/repositories/${name}`,
    '/-/ui/items?whole=true',
  ]
  const filters = `/-/ui/journal?client=${name}&kind=${name}&repository=repo`
  for (const address of [...places, filters, `/-/ui/items/${name}`, `/-/ui/${name}`]) {
    await page.goto(`${scene.base}${address}`)
    t.is(await page.locator('main script, img').count(), 0, address)
  }
  t.deepEqual(dialogs, [])
  t.false(
    complaints.some((text) => /inline|violates/.test(text)),
    complaints.join('\n'),
  )
})

testWith('chromium')(
  'forged forms, frames, links used twice and viewers get nowhere',
  async (t) => {
    const scene = await open(t)
    const { base, world, browser } = scene
    await overtake(scene.gateway.port, 'repo')
    const link = await linkOf(world)
    const { page } = await openPage(browser)
    await page.goto(link)
    const second = await openPage(browser)
    t.is((await second.page.goto(link))?.status(), 403)
    t.is((await second.page.goto(`${base}/-/ui/`))?.status(), 401)

    const cookies = (await page.context().cookies())
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    for (const { httpOnly, sameSite } of await page.context().cookies()) {
      t.deepEqual([httpOnly, sameSite], [true, 'Strict'])
    }
    const [item] = await quarantineOf(world)
    const address = `${base}/-/ui/items/${item?.id ?? ''}/discard`
    const headers = { cookie: cookies, 'content-type': 'application/x-www-form-urlencoded' }
    const forgeries = [
      { headers, body: 'reason=mine' },
      { headers, body: 'reason=mine&_csrf=guessed' },
      { headers: { ...headers, origin: 'http://evil.example' }, body: 'reason=mine' },
      { headers: { ...headers, 'sec-fetch-site': 'cross-site' }, body: 'reason=mine' },
      { headers: { ...headers, host: 'evil.example' }, body: 'reason=mine' },
    ]
    for (const forgery of forgeries) {
      const answer = await request(address, { method: 'POST', ...forgery })
      await answer.body.dump()
      t.is(answer.statusCode, 403, JSON.stringify(forgery))
    }
    // A session is for pages: a form of another site could send it to the API.
    const api = await request(`${base}/-/api/v1/quarantine/${item?.id ?? ''}/discard`, {
      method: 'POST',
      headers: { cookie: cookies, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'mine' }),
    })
    t.is(api.statusCode, 403)
    await api.body.dump()
    t.is((await quarantineOf(world)).length, 2)

    const framed = await request(`${base}/-/ui/`, { headers: { cookie: cookies } })
    t.regex(String(framed.headers['content-security-policy']), /frame-ancestors 'none'/)
    t.is(framed.headers['x-frame-options'], 'DENY')
    t.notRegex(String(framed.headers['content-security-policy']), /unsafe/)
    await framed.body.dump()

    const { stdout: token } = await world.lockkeeper('token', 'add', 'viewer')
    const viewer = { authorization: `Bearer ${token.trim()}` }
    for (const path of [`items/${item?.id ?? ''}/release`, `items/${item?.id ?? ''}/bytes`]) {
      const answer = await request(`${base}/-/ui/${path}`, { headers: viewer })
      await answer.body.dump()
      t.is(answer.statusCode, 403, path)
    }
  },
)
