/** Knows how the bytes of all repositories are counted while the gateway serves, and what the log says of it. */
import { AssertionError } from 'node:assert'
import type { Logger } from 'pino'
import { formatSize } from '../../config/size.js'
import type { Progress } from '../../backends/quota-store.js'
import type { Assembly } from './assembly.js'
import { sizesBelow } from '../webdav/bounded-files.js'
import type { PlainFiles } from '../webdav/plain-files.js'

const progressEveryMs = 10_000

/** Resolves when everything has been counted, or the signal ends it. A store without a bound is not walked over. */
export async function countUntil(
  ending: AbortSignal,
  { quota }: Pick<Assembly, 'quota'>,
  logger: Logger,
  plain?: PlainFiles,
): Promise<void> {
  if (quota === undefined) return
  logger.info('counting the bytes of all repositories; until it is done packs are put off')
  let told = performance.now()
  try {
    const onProgress = (progress: Progress): void => {
      if (performance.now() - told < progressEveryMs) return
      told = performance.now()
      logger.info({ ...progress, size: formatSize(progress.bytes) }, 'still counting')
    }
    const beside = plain === undefined ? undefined : sizesBelow(plain, [])
    const bytes = await quota.count(ending, onProgress, beside)
    logger.info({ bytes, size: formatSize(bytes) }, 'the bytes of all repositories are counted')
  } catch (error) {
    if (error instanceof AssertionError) throw error
    if (ending.aborted) return
    const message = 'counting failed: packs are put off until the gateway is started again'
    logger.error({ err: error }, message)
  }
}
