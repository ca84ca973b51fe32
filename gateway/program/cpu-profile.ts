/** Knows how to note what the CPU is used for, in the format that the developer tools of browsers read. */
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'

/** Answers how to end it, which writes the file. */
export async function startCpuProfile(file: string): Promise<() => Promise<void>> {
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
