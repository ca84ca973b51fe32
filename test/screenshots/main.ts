/** Takes a picture of each page for operators, for the documents: `node dist/test/screenshots/main.js FOLDER`. */
import { mkdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { openBrowser, openPage } from '../end-to-end/harness/browser.js'
import { journalOf, quarantineOf } from '../end-to-end/harness/facts.js'
import { World } from '../end-to-end/harness/world.js'
import { playStory } from './story.js'

const [folder = 'docs/screenshots'] = process.argv.slice(2)
const closers: (() => unknown)[] = []
const t = { teardown: (close: () => unknown) => void closers.unshift(close) }
const desk = { width: 1060, height: 800 }

/** What differs from machine to machine has the names of the documents. */
async function nameAlike(page: Page, world: World): Promise<void> {
  const { username, uid } = userInfo()
  const words: readonly (readonly [string, string])[] = [
    [world.repositories, '/srv/restic'],
    [world.folder, '/etc/lockkeeper'],
    [`${username} (uid ${uid})`, 'ann (uid 1000)'],
    ['127.0.0.1', '192.0.2.10'],
  ]
  await page.evaluate(`
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      for (const [from, to] of ${JSON.stringify(words)}) {
        const { currentNode: node } = walker
        node.data = node.data.replaceAll(from, to).replace(/192\\.0\\.2\\.10:\\d+/g, '192.0.2.10:8000')
      }
    }
  `)
}

try {
  await mkdir(folder, { recursive: true })
  const world = await World.open(t)
  await playStory(world)
  const items = await quarantineOf(world)
  const item = items.find(({ object }) => object.startsWith('data/')) ?? items[0]
  const refused = (await journalOf(world)).find(({ kind }) => kind === 'refused')
  const author = refused?.author as { readonly writer?: string } | undefined
  const run = encodeURIComponent(`family:${author?.writer ?? ''}`)
  const browser = await openBrowser(t)

  const take = async (
    pages: Readonly<Record<string, string>>,
    options: BrowserContextOptions,
  ): Promise<void> => {
    const { page } = await openPage(browser, { ...options, javaScriptEnabled: true })
    await page.goto((await world.lockkeeper('ui')).stdout.trim())
    const { origin } = new URL(page.url())
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(`${origin}/-/ui/${path}`)
      await nameAlike(page, world)
      // The newest is at the right.
      await page.evaluate("document.querySelector('.picture')?.scrollTo(9999, 0)")
      await page.screenshot({ path: join(folder, `${name}.png`) })
    }
    await page.context().close()
  }
  await take(
    {
      front: '',
      repository: 'repositories/family',
      run: `writers/${run}`,
      items: 'items',
      item: `items/${item?.id ?? ''}`,
      release: `items/${item?.id ?? ''}/release`,
      journal: 'journal',
      health: 'health',
    },
    { viewport: desk },
  )
  await take({ 'front-dark': '' }, { viewport: desk, colorScheme: 'dark' })
  await take({ 'front-phone': '' }, { viewport: { width: 390, height: 760 } })
} finally {
  for (const close of closers) await close()
}
