/** The model of the rule in docs/model agrees with itself: nothing is damaged by the rule, and each part is needed. */
import test from 'ava'

interface Found {
  readonly states: number
  readonly damage?: string
}

interface Model {
  readonly allParts: readonly string[]
  readonly explore: (writers: Record<string, string>, rule: ReadonlySet<string>) => Found
}

const page = new URL('../../../docs/model/fence.mjs', import.meta.url)
const { allParts, explore } = (await import(page.href)) as Model

const worlds = [
  { sleeper: 'backup', cleaner: 'prune' },
  { one: 'prune', other: 'prune' },
]

test('two writers under the whole rule damage nothing', (t) => {
  for (const writers of worlds) {
    const found = explore(writers, new Set(allParts))
    t.is(found.damage, undefined)
    t.true(found.states > 400)
  }
})

for (const part of allParts.filter((one) => !one.startsWith('every deletion'))) {
  test(`two writers without "${part}" damage the repository`, (t) => {
    const rule = new Set(allParts.filter((one) => one !== part))
    t.true(worlds.some((writers) => explore(writers, rule).damage !== undefined))
  })
}
