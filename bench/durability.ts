/** Knows how to count the system calls by which a server makes commits durable, with strace. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findClient } from '../test/end-to-end/harness/clients.js'

const syncs = 'fsync,fdatasync,sync_file_range,syncfs'

/** Counts what a process and all its threads do while `act` runs. Undefined where strace is not to be had. */
export async function countSyncs(
  pid: number,
  folder: string,
  act: () => Promise<unknown>,
): Promise<number | undefined> {
  const report = join(folder, 'strace.txt')
  const args = ['-f', '-c', '-e', `trace=${syncs}`, '-o', report, '-p', String(pid)]
  const tracer = spawn(findClient('strace') ?? 'strace', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const failed = once(tracer, 'error').then(() => false)
  let said = ''
  tracer.stderr.setEncoding('utf8')
  const attached = (async (): Promise<boolean> => {
    for await (const text of tracer.stderr) {
      said += String(text)
      if (said.includes('attached')) return true
    }
    return false
  })()
  if (!(await Promise.race([attached, failed]))) return undefined
  await act()
  tracer.kill('SIGINT')
  await once(tracer, 'exit')
  const lines = (await readFile(report, 'utf8'))
    .split('\n')
    .filter((line) => !line.endsWith('total'))
  const calls = lines.map((line) => /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s/.exec(line)?.[1])
  return calls.reduce((sum, text) => sum + Number(text ?? 0), 0)
}
