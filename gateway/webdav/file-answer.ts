/** Knows how the bytes of a file go out: all of them, or a range that is read from its own start. */
import type { ByteRange, OpenObject } from '../../fencing/ports.js'
import { askedRange } from '../http/ranges.js'
import { sendBytes } from '../http/sending.js'
import { answerHead, beginAnswer, tell } from '../http/answer.js'
import type { Call } from './call.js'
import { check, preconditionFailed, rangeHeader } from './preconditions.js'
import { contentTypeOf, validatorsOf, type Resource } from './resource.js'

/** Whatever comes of it, what was opened is closed. */
export async function sendFile(
  call: Call,
  resource: Resource,
  opened: OpenObject,
): Promise<void> {
  const { answer, request } = call
  const { size } = opened
  const checked = check(request.method ?? '', request.headers, resource)
  if (checked !== 'go') {
    await opened.close()
    if (checked === 'failed') tell(answer, preconditionFailed)
    else answerHead(answer, 304, validatorsOf(resource))
    return
  }
  const asked = askedRange(rangeHeader(request.headers, resource), size)
  if (asked === 'unsatisfiable') {
    await opened.close()
    const sentence = 'Range Not Satisfiable'
    tell(answer, { status: 416, sentence }, { 'content-range': `bytes */${size}` })
    return
  }
  await sendRange(call, resource, opened, asked)
}

/** Whoever may write a file must not have it run as a page of this server in the browser of another. */
const unscripted = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
  'content-disposition': 'attachment',
} as const

async function sendRange(
  { answer, request, exchange }: Call,
  resource: Resource,
  opened: OpenObject,
  asked: ByteRange | 'whole',
): Promise<void> {
  const { size } = opened
  const range = asked === 'whole' ? { start: 0, end: size - 1 } : asked
  const status = asked === 'whole' ? 200 : 206
  const headers = {
    ...validatorsOf(resource),
    'content-type': contentTypeOf(resource),
    'content-length': range.end - range.start + 1,
    'accept-ranges': 'bytes',
    ...unscripted,
    ...(asked === 'whole'
      ? {}
      : { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
  }
  if (request.method === 'HEAD' || exchange.signal.aborted) {
    await opened.close()
    answerHead(answer, status, headers)
    return
  }
  beginAnswer(answer, status, headers)
  await sendBytes(answer, opened, range)
}
