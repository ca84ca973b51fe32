/** Sends parts as fast as the client takes them, and stops asking for more once it has gone. */
import type { ServerResponse } from 'node:http'

/** Answers how many bytes were handed on; an error of the parts is thrown, with the answer still to be broken off. */
export async function sendParts(
  answer: ServerResponse,
  parts: AsyncIterable<Buffer>,
): Promise<number> {
  const waiting = { go: (): void => undefined }
  const go = (): void => waiting.go()
  answer.on('drain', go).on('close', go)
  let bytes = 0
  try {
    for await (const part of parts) {
      if (answer.destroyed) break
      bytes += part.length
      if (answer.write(part)) continue
      await new Promise<void>((resolve) => {
        waiting.go = resolve
        if (answer.destroyed) resolve()
      })
    }
    if (!answer.destroyed) answer.end()
    return bytes
  } finally {
    answer.off('drain', go).off('close', go)
  }
}
