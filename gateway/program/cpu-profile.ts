/** Notes what the CPU is used for, in the format that the developer tools of browsers read. */
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { messageOf } from './fault.js'
import { StartError } from './start-error.js'

/** Answers how to end it, which writes the file. Throws a StartError where that cannot be written. */
export async function startCpuProfile(file: string): Promise<() => Promise<void>> {
  try {
    await writeFile(file, '')
  } catch (error) {
    throw new StartError(`--cpu-profile ${file} cannot be written: ${messageOf(error)}`)
  }
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    await writeFile(file, JSON.stringify(profile))
  }
}
