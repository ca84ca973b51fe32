/** Knows what is done where a disk has no room for something small: its reserve is given up, and the call made again. */
import { fstatSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Reserves } from '../reserve.js'
import type { Disk } from './disk.js'
import { hasErrno } from './faults.js'

export function rescuedDisk(disk: Disk, reserves: Reserves): Disk {
  const rescued = async <T>(act: () => Promise<T>, giveUp: () => boolean): Promise<T> => {
    for (;;) {
      try {
        return await act()
      } catch (error) {
        if (!hasErrno(error, 'ENOSPC', 'EDQUOT') || !giveUp()) throw error
      }
    }
  }
  const beside = (path: string) => () => reserves.giveUpFor(dirname(path))
  return {
    ...disk,
    open: (path, flags, mode) => rescued(() => disk.open(path, flags, mode), beside(path)),
    write: (file, chunks) =>
      rescued(
        () => disk.write(file, chunks),
        () => reserves.giveUpOn(fstatSync(file).dev),
      ),
    link: (from, to) => rescued(() => disk.link(from, to), beside(to)),
    rename: (from, to) => rescued(() => disk.rename(from, to), beside(to)),
    unlink: (path) => rescued(() => disk.unlink(path), beside(path)),
    makeFolder: (path, mode) => rescued(() => disk.makeFolder(path, mode), beside(path)),
  }
}
