/** Knows how to ask a gateway that runs what an operator wants, as if it were asked directly. */
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { codeOf } from '../../program/fault.js'
import { AdminError, type Admin } from './admin.js'
import { errorAnswer, outputs, type Input, type Operation, type Output } from './protocol.js'
import { recordView } from './views.js'

export interface RemoteAdmin extends Admin {
  /** Rejects with Node's own error where nobody answers. */
  readonly greet: () => Promise<void>
  readonly close: () => Promise<void>
}

interface Client {
  /** The operator may wait as long as he likes, so without a timeout: a followed journal never ends. */
  readonly agent: Agent
  readonly socketPath: string
}

export function connectAdmin(socketPath: string): RemoteAdmin {
  const client = { agent: new Agent({ keepAlive: true }), socketPath }
  return {
    greet: async () => {
      await json(await post(client, '/greet', {}))
    },
    status: (repository) => ask(client, 'status', { repository }),
    unfenced: () => ask(client, 'unfenced', {}),
    endWriter: (id, by) => ask(client, 'endWriter', { id, by }),
    items: (question) => ask(client, 'items', question),
    item: (id) => ask(client, 'item', { id }),
    bytes: (id) => readBytes(client, id),
    release: (id, act) => ask(client, 'release', { id, ...act }),
    discard: (id, act) => ask(client, 'discard', { id, ...act }),
    journal: (question, signal) => readJournal(client, question, signal),
    verify: (question) => ask(client, 'verify', question),
    archive: (question) => ask(client, 'archive', question),
    fence: (repository, act) => ask(client, 'fence', { repository, ...act }),
    close: async () => {
      client.agent.destroy()
      return Promise.resolve()
    },
  }
}

async function ask<O extends Operation>(
  client: Client,
  operation: O,
  input: Input<O>,
): Promise<Output<O>> {
  try {
    const body = await post(client, `/${operation}`, input)
    return outputs[operation].parse(await json(body)) as Output<O>
  } catch (error) {
    throw gone(error)
  }
}

async function* readJournal(
  client: Client,
  question: object,
  signal: AbortSignal,
): ReturnType<Admin['journal']> {
  try {
    const body = await post(client, '/journal', question, signal)
    for await (const line of linesOf(body)) yield recordView.parse(JSON.parse(line))
  } catch (error) {
    if (!signal.aborted) throw gone(error)
  }
}

async function readBytes(client: Client, id: string): Promise<Readable> {
  try {
    const body = await post(client, '/bytes', { id })
    return Readable.from(piecesOf(body), { objectMode: false })
  } catch (error) {
    throw gone(error)
  }
}

async function* piecesOf(body: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer
  } catch (error) {
    throw gone(error)
  }
}

async function* linesOf(body: IncomingMessage): AsyncGenerator<string> {
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
): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json' }
  const asked = request({
    ...client,
    method: 'POST',
    path,
    headers,
    ...(signal === undefined ? {} : { signal }),
  })
  asked.end(JSON.stringify(input))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  // Only whoever reads the answer is to hear that it broke off.
  answer.on('error', () => undefined)
  asked.on('error', () => undefined)
  if (answer.statusCode === 200) return answer
  const { code, message } = errorAnswer.parse(await json(answer))
  throw new AdminError(code, message)
}

const goneCodes = ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ENOENT']

/** The gateway ended, or was ended, in the middle of its answer or just before. */
function gone(error: unknown): unknown {
  if (!goneCodes.includes(codeOf(error) ?? '')) return error
  return new AdminError('unavailable', 'the gateway has gone; ask again', { cause: error })
}
