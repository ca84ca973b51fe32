/** Knows which listening sockets systemd has opened for this process: sd_listen_fds(3). */
import { StartError } from './start-error.js'

const firstFd = 3

/** Their numbers, all or those of one name. Throws a StartError where there is none. */
export function socketsOfSystemd(
  name: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number[] {
  const {
    LISTEN_PID: forPid,
    LISTEN_FDS: count = '0',
    LISTEN_FDNAMES: names = '',
  } = environment
  // A child of the process that they were meant for inherits the variables, and not the sockets.
  if (Number(forPid) !== pid || !/^\d{1,3}$/.test(count) || Number(count) === 0) {
    throw new StartError(
      '--listen systemd: systemd has handed over no socket; start it through its socket unit, or listen on an address',
    )
  }
  const all = Array.from({ length: Number(count) }, (_, at) => firstFd + at)
  if (name === undefined) return all
  const named = all.filter((_, at) => names.split(':')[at] === name)
  if (named.length > 0) return named
  throw new StartError(
    `--listen systemd:${name}: no socket of that name (FileDescriptorName=) was handed over, but ${names || 'some without names'}`,
  )
}
