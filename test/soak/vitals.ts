/** Knows what a process holds of its machine, by proc(5): its threads, its descriptors, its memory. */
import { readdir, readFile } from 'node:fs/promises'

export interface Vitals {
  readonly threads: number
  readonly descriptors: number
  readonly residentMiB: number
}

export const vitalsOf = async (pid: number): Promise<Vitals> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    threads: field('Threads'),
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
    residentMiB: field('VmRSS') / 1024,
  }
}

/** The process behind a mount, a child of the one that mounts. */
export const helperOf = async (gateway: number): Promise<number> => {
  const children = await readFile(`/proc/${gateway}/task/${gateway}/children`, 'utf8')
  for (const pid of children.split(' ').filter((text) => text !== '')) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes('helper.js')) return Number(pid)
  }
  throw new Error(`no helper among ${children}`)
}
