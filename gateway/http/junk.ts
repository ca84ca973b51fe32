/** Knows how to answer bytes that are no request, or a request that goes beyond the limits. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SocketChannel } from './channel.js'
import type { HttpLimits } from './limits.js'

interface ShortAnswer {
  readonly status: number
  readonly sentence: string
}

const badRequest: ShortAnswer = { status: 400, sentence: 'Bad Request' }
const headersTooLarge: ShortAnswer = {
  status: 431,
  sentence: 'Request Header Fields Too Large',
}
const tooSlow: ShortAnswer = { status: 408, sentence: 'Request Timeout' }
const urlTooLong: ShortAnswer = { status: 414, sentence: 'URI Too Long' }

/** A close with unread bytes would take the answer away from the client before it reads it. */
const lingerMs = 1000

/** Answers what Node's parser could not take, and closes the connection. */
export function refuseJunk(error: NodeJS.ErrnoException, channel: SocketChannel): void {
  const { socket, due } = channel
  // While it lingers, every further chunk of junk comes here again.
  if (channel.isEnding) return
  const isGone = error.code === 'ECONNRESET' || !socket.writable
  if (isNeverUsed(error, channel)) {
    channel.expectUse()
    return
  }
  if (isGone || due?.headersSent === true) {
    channel.destroy()
    return
  }
  // Junk behind a whole request: its answer is due first, and it is no 400.
  if (due?.req.complete === true) {
    channel.makeDueLast()
    return
  }
  channel.noteEnding()
  const { status, sentence } = answerTo(error)
  const length = Buffer.byteLength(sentence)
  socket.end(
    `HTTP/1.1 ${status} ${sentence}\r\nConnection: close\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n${sentence}`,
  )
  const linger = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(linger))
}

/** Refuses a request by its first line and its headers alone; true where it did. */
export function isBeyondLimits(
  request: IncomingMessage,
  answer: ServerResponse,
  limits: HttpLimits,
): boolean {
  const isTooLong = (request.url ?? '').length > limits.urlCharactersMax
  const hasTooMany = request.rawHeaders.length / 2 > limits.headersMax
  if (!isTooLong && !hasTooMany) return false
  const { status, sentence } = isTooLong ? urlTooLong : headersTooLarge
  request.resume()
  answer.writeHead(status, { connection: 'close', 'content-type': 'text/plain' }).end(sentence)
  return true
}

/** A connection that never carried a byte is idle, not slow; Go would print an answer that it did not ask for. */
function isNeverUsed(error: NodeJS.ErrnoException, { socket }: SocketChannel): boolean {
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0
}

function answerTo(error: NodeJS.ErrnoException): ShortAnswer {
  if (error.code === 'HPE_HEADER_OVERFLOW') return headersTooLarge
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? tooSlow : badRequest
}
