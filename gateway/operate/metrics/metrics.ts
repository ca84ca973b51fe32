/** Keeps all figures of a gateway for a monitor, and hands them out in the text format of Prometheus. */
import { statfs } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { DecisionWatcher } from '../../gate/decision-watcher.js'
import { exchangeOf } from '../../http/exchange.js'
import type { ExchangeWatcher } from '../../http/over-exchange.js'
import type { Observer } from '../../program/observed-journal.js'
import { version } from '../../program/version.js'
import type { WholeJournal } from '../admin/reading.js'
import { BlobCounters } from './blob-counters.js'
import { BoundedLabel } from './bounded-label.js'
import { LastSnapshots } from './last-snapshots.js'
import { addRepositoryGauges, type RepositorySources } from './repository-gauges.js'

/** What there is to be looked at once the gateway is put together. */
export interface Sources {
  readonly fences: RepositorySources['fences']
  /** By the name that the label `place` has. */
  readonly folders: Readonly<Record<string, string>>
}

export interface Metrics {
  readonly watchExchange: ExchangeWatcher
  readonly watchDecision: DecisionWatcher
  readonly observe: Observer
  readonly appended: (seconds: number) => void
  readonly attach: (sources: Sources) => void
  /** Reads what the journals said before; resolves when all is read, or the signal ends it. */
  readonly read: (whole: WholeJournal, signal: AbortSignal) => Promise<void>
  /** Answers a scrape. */
  readonly handle: (request: IncomingMessage, answer: ServerResponse) => void
}

const repositoriesMax = 2000
/** A lock is decided in a millisecond; what is deferred is held for a minute. */
const secondsOf = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 120]

const fencings = ['stale', 'conflict', 'unseen', 'ambiguous'] as const
const verbs = ['upload', 'deletion'] as const

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
  const labels = new BoundedLabel(repositoriesMax)
  // A counter that appears with its first event has not grown in the eyes of a monitor, so each begins at 0.
  const repositories = (): string[] =>
    sources.fences().map(({ repository }) => labels.of(repository))
  const refused = new Counter({
    name: 'lockkeeper_refused_writes_total',
    help: 'Uploads and deletions that were refused, by reason; stale, conflict, unseen and ambiguous are fenced',
    labelNames: ['repository', 'verb', 'reason'],
    registers,
    collect() {
      for (const repository of repositories()) {
        for (const verb of verbs) {
          for (const reason of fencings) this.inc({ repository, verb, reason }, 0)
        }
      }
    },
  })
  addRepositoryGauges(registry, { fences: () => sources.fences(), lastSnapshots })
  const deferred = new Counter({
    name: 'lockkeeper_deferred_writes_total',
    help: 'Tries of uploads and deletions that were told to come again',
    labelNames: ['repository', 'verb'],
    registers,
    collect() {
      for (const repository of repositories()) {
        for (const verb of verbs) this.inc({ repository, verb }, 0)
      }
    },
  })
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
  return {
    watchExchange: blobs.count,
    watchDecision: ({ repository, verb, result, seconds }) => {
      deciding.observe({ verb }, seconds)
      const of = { repository: labels.of(repository), verb }
      if (result === 'knocked') deferred.inc(of)
      else if (result !== 'done') refused.inc({ ...of, reason: result })
    },
    observe: (repository, { time, event }) => lastSnapshots.note(repository, time, event),
    appended: (seconds) => appending.observe(seconds),
    attach: (found) => (sources = found),
    read: async (whole, signal) => {
      for (const repository of await whole.journal.repositories()) {
        if (signal.aborted) return
        await lastSnapshots.read(whole, repository, signal)
      }
    },
    handle: (request, answer) => {
      answerScrape(registry, request, answer).catch(stop)
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
  registry: Registry,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  await exchangeOf(request).body.drain()
  const body = Buffer.from(await registry.metrics())
  const headers = { 'content-type': registry.contentType, 'content-length': body.length }
  answer.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body)
}

/** Thrown where no promise can hold it back. */
function stop(error: unknown): void {
  setImmediate(() => {
    throw error
  })
}
