/** An operator learns in a browser that real restic was fenced, sees why, and settles it; the repository stays sound. */
import { openBrowser, openPage } from './harness/browser.js'
import { quarantineOf, journalOf } from './harness/facts.js'
import { testWith } from './harness/test-with.js'
import { World } from './harness/world.js'
import { prune, Stage, unlock } from './stories/stage.js'

testWith('restic-0.18', 'chromium')(
  'a laptop wakes after a prune: the first page turns, the item is found, seen, exported, checked and settled',
  async (t) => {
    t.timeout(240_000)
    const world = await World.open(t)
    const stage = await Stage.set(world, '0.18', 'gateway')
    const { page, complaints } = await openPage(await openBrowser(t))
    await page.goto((await world.lockkeeper('ui')).stdout.trim())
    await page.getByText('Everything is all right').waitFor()
    const overview = page.url()

    const sleeper = await stage.sleeper()
    await sleeper.child.sleep()
    await unlock(stage)
    await prune(stage)
    sleeper.child.wake()
    t.not((await sleeper.finish()).code, 0)

    await page.getByText(/repo needs you: \d+ refused write/).waitFor({ timeout: 30_000 })
    await page.getByRole('main').getByRole('link', { name: 'repo' }).first().click()
    const marks = await page.locator('svg a').all()
    const told = await Promise.all(marks.map((mark) => mark.getAttribute('aria-label')))
    const items = await quarantineOf(world)
    t.true(items.length > 0)
    const [refused] = (await journalOf(world)).filter(({ kind }) => kind === 'refused')
    const [pruned] = (await journalOf(world)).filter(
      ({ kind, generation }) => kind === 'deleted' && generation === 2,
    )
    const at = (sentence: unknown): number => told.indexOf(String(sentence))
    t.true(at(pruned?.sentence) >= 0, 'the prune is in the picture')
    t.true(at(pruned?.sentence) < at(refused?.sentence), 'and what it overtook comes after it')
    t.true((await page.locator('svg line.awake').count()) > 0)

    const pack = items.find(({ object }) => object.startsWith('data/')) ?? items[0]
    const id = pack?.id ?? ''
    await page.getByRole('link', { name: id, exact: true }).first().click()
    await page.getByText('no longer true').waitFor()
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download its bytes' }).click()
    const chunks = (await (await (await downloading).createReadStream()).toArray()) as Buffer[]
    t.is(Buffer.concat(chunks).length, pack?.size ?? -1)

    await page.getByRole('link', { name: 'Check with it' }).click()
    await page.getByText('Nobody has read it yet').waitFor()
    const command = (await page.locator('pre code').textContent()) ?? ''
    const [, ...args] = command.split(' ')
    t.is((await world.endOf(world.restic('0.18', args))).code, 0)
    await page.reload()
    await page.getByText('A check has read the whole of it').waitFor()
    await page.getByRole('link', { name: 'Back to the item' }).click()

    await page.getByRole('link', { name: 'Release it' }).click()
    await page.getByLabel(/^Why\?/).fill('wanted by Ann')
    t.is(await page.getByRole('checkbox').count(), 0, 'nothing is to be forced')
    await page.getByRole('button', { name: 'Release it' }).click()
    await page.getByText('it is released').waitFor()
    for (const other of items.filter((one) => one.id !== id)) {
      await page.goto(overview.replace(/\/$/, `/items/${other.id}/discard`))
      await page.getByLabel(/^Why\?/).fill('the laptop runs again')
      await page.getByRole('button', { name: 'Discard it' }).click()
      await page.getByText('it is discarded').waitFor()
    }
    await page.goto(overview)
    t.deepEqual(await quarantineOf(world), [])
    t.is(await page.getByText(/refused write/).count(), 0)
    t.like(
      (await journalOf(world)).find(({ kind }) => kind === 'released'),
      {
        item: id,
        reason: 'wanted by Ann',
      },
    )
    await stage.run('check', '--read-data')
    t.deepEqual(complaints, [])
  },
)
