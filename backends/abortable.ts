/** Knows how to stop waiting for a body when nobody wants it any more. */

/** Ends with the signal's reason at once, even while the body is silent. */
export async function* abortable(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (signal === undefined) {
    yield* body
    return
  }
  const chunks = body[Symbol.asyncIterator]()
  let stop = (): void => undefined
  const onAbort = (): void => stop()
  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = () => reject(signal.reason as Error)
        chunks.next().then(resolve, reject)
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // A body that is still waiting for its next chunk would not answer, so this is not awaited.
    chunks.return?.().catch(() => undefined)
  }
}
