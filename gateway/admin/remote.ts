/** Knows how to ask a gateway that runs what an operator wants, as if it were asked directly. */
import type { Readable } from 'node:stream'
import { Client, errors, type Dispatcher } from 'undici'
import { codeOf } from '../fault.js'
import { AdminError, type Admin } from './admin.js'
import { errorAnswer, outputs, type Input, type Operation, type Output } from './protocol.js'
import { recordView } from './views.js'

export interface RemoteAdmin extends Admin {
  /** Rejects with Node's own error where nobody answers. */
  readonly greet: () => Promise<void>
  readonly close: () => Promise<void>
}

/** The operator may wait as long as he likes: a long journal takes its time, and a followed one never ends. */
const patient = { headersTimeout: 0, bodyTimeout: 0 } as const

export function connectAdmin(socketPath: string): RemoteAdmin {
  const client = new Client('http://gateway', { socketPath, ...patient })
  return {
    greet: async () => {
      await (await post(client, '/greet', {})).dump()
    },
    status: (repository) => ask(client, 'status', { repository }),
    endWriter: (id, by) => ask(client, 'endWriter', { id, by }),
    items: (question) => ask(client, 'items', question),
    item: (id) => ask(client, 'item', { id }),
    bytes: (id) => post(client, '/bytes', { id }),
    release: (id, act) => ask(client, 'release', { id, ...act }),
    discard: (id, act) => ask(client, 'discard', { id, ...act }),
    journal: (question, signal) => readJournal(client, question, signal),
    verify: (question) => ask(client, 'verify', question),
    archive: (question) => ask(client, 'archive', question),
    fence: (repository, act) => ask(client, 'fence', { repository, ...act }),
    close: () => client.destroy(),
  }
}

async function ask<O extends Operation>(
  client: Client,
  operation: O,
  input: Input<O>,
): Promise<Output<O>> {
  try {
    const body = await post(client, `/${operation}`, input)
    return outputs[operation].parse(await body.json()) as Output<O>
  } catch (error) {
    throw gone(error)
  }
}

async function* readJournal(
  client: Client,
  question: object,
  signal: AbortSignal,
): ReturnType<Admin['journal']> {
  const body = await post(client, '/journal', question, signal)
  try {
    for await (const line of linesOf(body)) yield recordView.parse(JSON.parse(line))
  } catch (error) {
    if (!signal.aborted) throw gone(error)
  }
}

async function* linesOf(body: Readable): AsyncGenerator<string> {
  let unfinished = ''
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = `${unfinished}${String(chunk)}`.split('\n')
    unfinished = lines.pop() ?? ''
    yield* lines
  }
}

async function post(
  client: Client,
  path: string,
  input: object,
  signal?: AbortSignal,
): Promise<Dispatcher.ResponseData['body'] & Readable> {
  const { statusCode, body } = await client.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
    ...(signal === undefined ? {} : { signal }),
  })
  if (statusCode === 200) return body
  const { code, message } = errorAnswer.parse(await body.json())
  throw new AdminError(code, message)
}

/** The gateway ended, or was ended, in the middle of its answer. */
function gone(error: unknown): unknown {
  if (!(error instanceof errors.UndiciError) && codeOf(error) !== 'ECONNRESET') return error
  return new AdminError('unavailable', 'the gateway has gone; ask again', { cause: error })
}
