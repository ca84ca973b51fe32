/** Knows how PROPPATCH is answered where no property can be set. */
import { tell } from '../http/answer.js'
import { answerXml } from './answer.js'
import type { Call } from './call.js'
import { multistatusHead, multistatusTail, propstat, response } from './multistatus.js'
import { instructionsOf, type Instruction } from './proppatch-request.js'
import { readXml } from './request-body.js'
import { hrefOf } from './target.js'
import { property } from './xml-writing.js'

const badProppatch = { status: 400, sentence: 'The XML is no propertyupdate of RFC 4918.' }
const protectedError = '<D:error><D:cannot-modify-protected-property/></D:error>'

/** What it asks; undefined where it was answered already, since it asks nothing that can be understood. */
export async function readInstructions(call: Call): Promise<Instruction[] | undefined> {
  const { answer, exchange } = call
  const body = await readXml(exchange)
  const instructions = body.kind === 'xml' ? instructionsOf(body.root) : undefined
  if (body.kind === 'bad') tell(answer, body.told)
  else if (instructions === undefined) tell(answer, badProppatch)
  return instructions
}

export async function refuseProperties(call: Call): Promise<void> {
  const { target } = call
  const instructions = await readInstructions(call)
  if (instructions === undefined) return
  const names = instructions.map((one) => property(one.property, '')).join('')
  const refused = propstat(names, 403, protectedError)
  const href = hrefOf(target.base, target.parts, target.isFolder)
  await answerXml(call.answer, 207, [
    multistatusHead + response(href, refused) + multistatusTail,
  ])
}
