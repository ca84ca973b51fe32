/** Knows how PROPFIND is answered, whatever stands at its address. */
import { tell, type Told } from '../http/answer.js'
import { answerXml } from './answer.js'
import type { Call } from './call.js'
import { multistatusPieces, type Wanted } from './multistatus.js'
import { badDepth, badPropfind, depthOf, wantedBy } from './propfind-request.js'
import { readXml } from './request-body.js'
import type { Resource, Resources } from './resource.js'
import { davError } from './xml-writing.js'

export interface Found {
  readonly self: Resource
  readonly children: () => AsyncIterable<Resources>
}

/** The whole tree of a repository would be one answer of millions of entries. */
const notFinite = davError('propfind-finite-depth')

export async function answerPropfind(
  call: Call,
  find: () => Promise<Found | undefined>,
): Promise<void> {
  const { answer, target } = call
  const prepared = await prepare(call, find)
  if ('told' in prepared) tell(answer, prepared.told)
  else if ('refused' in prepared) await answerXml(answer, 403, [prepared.refused])
  else {
    const { wanted, resources } = prepared
    await answerXml(answer, 207, multistatusPieces(target.base, wanted, resources))
  }
}

type Prepared =
  | { readonly told: Told }
  | { readonly refused: string }
  | { readonly wanted: Wanted; readonly resources: AsyncIterable<Resources> | [Resources] }

async function prepare(
  { exchange, request }: Call,
  find: () => Promise<Found | undefined>,
): Promise<Prepared> {
  const body = await readXml(exchange)
  if (body.kind === 'bad') return { told: body.told }
  const depth = depthOf(request.headers, 'infinity')
  if (depth === undefined) return { told: badDepth }
  const wanted = wantedBy(body.kind === 'xml' ? body.root : undefined)
  if (wanted === undefined) return { told: badPropfind }
  const found = await find()
  if (found === undefined) return { told: { status: 404, sentence: 'Not Found' } }
  if (depth === 'infinity' && found.self.isFolder) return { refused: notFinite }
  return { wanted, resources: depth === '1' ? withChildren(found) : [[found.self]] }
}

async function* withChildren({ self, children }: Found): AsyncGenerator<Resources> {
  yield [self]
  if (self.isFolder) yield* children()
}
