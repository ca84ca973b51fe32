/** What keeps restic on few connections, on which its attribution rests. */
import { World } from './harness/world.js'
import { testWith } from './harness/test-with.js'

const LIST_TYPES = ['application/vnd.x.restic.rest.v1', 'application/vnd.x.restic.rest.v2']

testWith('restic-0.18')('a list says how long it is', async (t) => {
  const world = await World.open(t)
  await world.repository('0.18')
  const { port } = await world.gateway()
  for (const accept of LIST_TYPES)
    for (const type of ['keys', 'snapshots']) {
      const url = `http://127.0.0.1:${port}/repo/${type}/`
      const answer = await fetch(url, { headers: { accept } })
      const body = await answer.text()
      t.true(Array.isArray(JSON.parse(body)))
      // Without it restic, which reads to the closing bracket only, gives the connection up.
      t.is(answer.headers.get('content-length'), String(body.length), `${type} as ${accept}`)
    }
})
