/** Keeps all figures of a gateway for a monitor, and hands them out in the text format of Prometheus. */
import { statfs } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RecordSearch } from '../../../backends/record-search/record-search.js'
import type { DecisionWatcher } from '../../gate/decision-watcher.js'
import { exchangeOf } from '../../http/exchange.js'
import type { ExchangeWatcher } from '../../http/over-exchange.js'
import type { Observer } from '../../program/observed-journal.js'
import { version } from '../../program/version.js'
import { BlobCounters } from './blob-counters.js'
import { BoundedLabel } from './bounded-label.js'
import { LastSnapshots } from './last-snapshots.js'
import { repositoryGauges, type RepositorySources } from './repository-gauges.js'
import { WriteCounters } from './write-counters.js'

/** What there is to be looked at once the gateway is put together. */
export interface Sources {
  readonly fences: RepositorySources['fences']
  /** By the name that the label `place` has. */
  readonly folders: Readonly<Record<string, string>>
}

/** All figures at one moment. */
export interface Scrape {
  readonly type: string
  readonly text: string
}

export interface Metrics {
  readonly watchExchange: ExchangeWatcher
  readonly watchDecision: DecisionWatcher
  readonly observe: Observer
  readonly appended: (seconds: number) => void
  readonly attach: (sources: Sources) => void
  /** Takes over what was recorded before; to be called when the journals are loaded. */
  readonly read: (search: Pick<RecordSearch, 'snapshots'>) => Promise<void>
  readonly scrape: () => Promise<Scrape>
  /** Answers one. */
  readonly handle: (request: IncomingMessage, answer: ServerResponse) => void
}

const repositoriesMax = 2000
/** A lock is decided in a millisecond; what is deferred is held for a minute. */
const secondsOf = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 120]

export function createMetrics(quarantineBytesMax: number): Metrics {
  let sources: Sources = { fences: () => [], folders: {} }
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'lockkeeper_build_info',
    help: 'Always 1; which version runs',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const blobs = new BlobCounters(registry)
  const lastSnapshots = new LastSnapshots()
  addPlaces(registry, () => sources.folders)
  new Gauge({
    name: 'lockkeeper_quarantine_bytes_max',
    help: 'So many bytes are kept of refused writes, over all repositories',
    registers,
  }).set(quarantineBytesMax)
  const writes = new WriteCounters(new BoundedLabel(repositoriesMax))
  const deciding = new Histogram({
    name: 'lockkeeper_decision_seconds',
    help: 'From the last byte of an upload or deletion to its durable decision, carried out',
    labelNames: ['verb'],
    buckets: secondsOf,
    registers,
  })
  const appending = new Histogram({
    name: 'lockkeeper_journal_append_seconds',
    help: 'How long it takes to make records durable',
    buckets: secondsOf,
    registers,
  })
  const scrape = async (): Promise<Scrape> => {
    const text = await registry.metrics()
    const names = sources.fences().map(({ repository }) => repository)
    const own = repositoryGauges({ ...sources, lastSnapshots }) + writes.text(names)
    return { type: registry.contentType, text: text + own }
  }
  return {
    scrape,
    watchExchange: blobs.count,
    watchDecision: ({ repository, verb, result, seconds }) => {
      deciding.observe({ verb }, seconds)
      if (result === 'knocked') writes.deferred(repository, verb)
      else if (result !== 'done') writes.refused(repository, verb, result)
    },
    observe: (repository, { time, event }) => lastSnapshots.note(repository, time, event),
    appended: (seconds) => appending.observe(seconds),
    attach: (found) => (sources = found),
    read: async (search) => {
      for (const { repository, state } of sources.fences()) {
        for (const { id, client } of state.writers.values()) {
          lastSnapshots.noteWriter(repository, id, client)
        }
      }
      for (const { repository, client, times } of await search.snapshots()) {
        lastSnapshots.noteLast(repository, client, times[0] ?? 0)
      }
    },
    handle: (request, answer) => {
      answerScrape(scrape, request, answer).catch(stop)
    },
  }
}

function addPlaces(registry: Registry, folders: () => Sources['folders']): void {
  const registers = [registry]
  const labelNames = ['place'] as const
  const size = new Gauge({
    name: 'lockkeeper_disk_bytes',
    help: 'Size of the disk of the repositories and of the state',
    ...{ labelNames, registers },
  })
  new Gauge({
    name: 'lockkeeper_free_bytes',
    help: 'What is free there for the gateway',
    ...{ labelNames, registers },
    async collect() {
      for (const [place, folder] of Object.entries(folders())) {
        const found = await statfs(folder).catch(() => undefined)
        if (found === undefined) continue
        this.set({ place }, found.bavail * found.bsize)
        size.set({ place }, found.blocks * found.bsize)
      }
    },
  })
}

async function answerScrape(
  scrape: () => Promise<Scrape>,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  await exchangeOf(request).body.drain()
  const { type, text } = await scrape()
  const body = Buffer.from(text)
  const headers = { 'content-type': type, 'content-length': body.length }
  answer.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body)
}

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
