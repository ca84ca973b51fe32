/** Knows how a real browser is driven: Chromium, with a profile of its own, that reaches nothing but this machine. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { clientPath, librariesOf } from './clients.js'

const flags = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

export const openBrowser = async (t: Pick<ExecutionContext, 'teardown'>): Promise<Browser> => {
  const browser = await chromium.launch({
    executablePath: clientPath('chromium'),
    args: flags,
    env: { PATH: process.env.PATH ?? '', LD_LIBRARY_PATH: librariesOf('chromium') },
  })
  t.teardown(() => browser.close())
  return browser
}

/** A page of a browser that has been nowhere. What its console complains of is kept. */
export const openPage = async (
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> => {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return { page, complaints }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** What axe-core finds against WCAG 2.2 AA. */
export const faultsOf = async (page: Page): Promise<string[]> => {
  // The page's own policy lets no script in: this one comes through the debugger.
  await page.evaluate(axe)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const found = await page.evaluate<{ violations: Violation[] }>(
    `axe.run({ runOnly: ${JSON.stringify(tags)} })`,
  )
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
  )
}
