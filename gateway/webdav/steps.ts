/** Answers clients that look at the folders on the way to the door before they come to it: Explorer gives up where it may not. */
import type { Exchange } from '../http/exchange.js'
import { answerEmpty, tell } from '../http/answer.js'
import { answerXml } from './answer.js'
import { multistatusPieces } from './multistatus.js'
import { badDepth, badPropfind, depthOf, wantedBy } from './propfind-request.js'
import { readXml } from './request-body.js'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Step {
  readonly path: string
  readonly next: string
}

export interface StepCall {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly answer: ServerResponse
  /** What a proxy has taken off the address. */
  readonly prefix: string
}

/** There is nothing in such a folder but the next one. */
export async function answerStep(call: StepCall, { path, next }: Step): Promise<void> {
  const { exchange, request, answer, prefix } = call
  if (request.method === 'OPTIONS') {
    await exchange.body.drain()
    const headers = { allow: 'OPTIONS, PROPFIND', dav: '1, 2', 'ms-author-via': 'DAV' }
    answerEmpty(answer, 200, headers)
    return
  }
  const body = await readXml(exchange)
  const wanted =
    body.kind === 'bad' ? undefined : wantedBy(body.kind === 'xml' ? body.root : undefined)
  const depth = depthOf(request.headers, '1')
  if (body.kind === 'bad') tell(answer, body.told)
  else if (wanted === undefined) tell(answer, badPropfind)
  else if (depth === undefined) tell(answer, badDepth)
  else {
    const self = { parts: [], isFolder: true }
    const resources = depth === '0' ? [self] : [self, { parts: [next], isFolder: true }]
    const base = `${prefix}${path}`.replace(/\/$/, '')
    await answerXml(answer, 207, multistatusPieces(base, wanted, [resources]))
  }
}
