/**
 * Counts what clients read, write and delete, under the very names and labels of rest-server, so that its dashboards work.
 * `config` is not counted there either.
 */
import { Counter, type Registry } from 'prom-client'
import type { OverExchange } from '../../http/over-exchange.js'
import { BoundedLabel } from './bounded-label.js'

type Verb = 'read' | 'write' | 'delete'
type Label = 'user' | 'repo' | 'type'

const usersMax = 1000
const repositoriesMax = 2000

const verbs: Readonly<Record<string, Verb>> = {
  GET: 'read',
  POST: 'write',
  PUT: 'write',
  DELETE: 'delete',
}
const done = { read: 'read', write: 'written', delete: 'deleted' } as const
const ofBytes = {
  read: 'read from blobs',
  write: 'written to blobs',
  delete: 'of blobs deleted',
} as const

export class BlobCounters {
  readonly #counters: Readonly<Record<Verb, readonly [Counter<Label>, Counter<Label>]>>
  readonly #users = new BoundedLabel(usersMax)
  readonly #repositories = new BoundedLabel(repositoriesMax)

  constructor(registry: Registry) {
    const labelNames = ['user', 'repo', 'type'] as const
    const registers = [registry]
    const make = (verb: Verb): readonly [Counter<Label>, Counter<Label>] => [
      new Counter({
        name: `rest_server_blob_${verb}_total`,
        help: `Total number of blobs ${done[verb]}`,
        ...{ labelNames, registers },
      }),
      new Counter({
        name: `rest_server_blob_${verb}_bytes_total`,
        help: `Total number of bytes ${ofBytes[verb]}`,
        ...{ labelNames, registers },
      }),
    ]
    this.#counters = { read: make('read'), write: make('write'), delete: make('delete') }
  }

  readonly count = ({ exchange, request, answer, isAnswered }: OverExchange): void => {
    const { repository, object, objectBytes } = exchange.note
    const verb = verbs[request.method ?? '']
    const [type, name] = object?.split('/') ?? []
    if (verb === undefined || type === undefined || name === undefined || name === '') return
    if (!isAnswered || answer.statusCode >= 300) return
    const labels = {
      user: this.#users.of(exchange.client.user ?? ''),
      repo: this.#repositories.of(repository ?? ''),
      type,
    }
    const [blobs, bytes] = this.#counters[verb]
    blobs.inc(labels)
    const answered = Number(answer.getHeader('content-length') ?? 0)
    bytes.inc(labels, verb === 'read' ? answered : (objectBytes ?? 0))
  }
}
