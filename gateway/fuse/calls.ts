/**
 * Knows how fuse-native's calls become operations and their answers: once, in time, and never an exception, which would
 * leave the caller hanging. Bytes on the way out are copied only while the call still waits.
 */
import { CallError, errnoOfFault, errnos, type ErrnoName } from './errno.js'
import type { Deadlines, Work } from './deadlines.js'
import type { HungPaths } from './hung-paths.js'
import type { Attributes, Caller, Handle, Operations, Space } from './operations.js'

export interface CallsOptions {
  readonly operations: Operations
  readonly deadlines: Deadlines
  readonly hungPaths: HungPaths
  /** Who makes the call that has just come in. May throw a CallError. */
  readonly caller: () => Caller
  /** What fuse-native loses of the call that has just come in: the time of the change, in milliseconds. */
  readonly modifiedMs: () => number
  readonly owner: { readonly uid: number; readonly gid: number }
  readonly onFault: (error: unknown, call: string) => void
}

/** The first is negative for an error; reads and writes answer their number of bytes in its place. */
type Done<T> = (result: number, value?: T) => void

type Act<T> = () => T | Promise<T>

const kindBits = { file: 0o100000, folder: 0o040000 } as const
const nameBytesMax = 255

/** What a disk answers to those who ask for what is not so: nobody's fault. */
const ordinaryCodes: ReadonlySet<ErrnoName> = new Set([
  ...(['EACCES', 'EEXIST', 'EISDIR', 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EPERM'] as const),
])

/** The handlers that fuse-native is given. */
export function createCalls(options: CallsOptions) {
  const { operations, caller, modifiedMs, owner } = options
  const stat = (attributes: Attributes): object => statOf(attributes, owner)
  const run = <T>(work: Work, name: string, path: string, act: Act<T>, done: Done<T>): void =>
    perform(options, { work, name, path, act, done })
  const look = <T>(name: string, path: string, act: Act<T>, done: Done<T>): void =>
    run('look', name, path, act, done)
  const change = <T>(name: string, path: string, act: Act<T>, done: Done<T>): void =>
    run('change', name, path, act, done)

  return {
    getattr: (path: string, done: Done<object>) =>
      look('getattr', path, () => operations.attributes(path, caller()), mapped(done, stat)),
    fgetattr: (path: string, handle: Handle, done: Done<object>) =>
      look(
        'fgetattr',
        path,
        () => operations.attributesOfOpen(handle, path, caller()),
        mapped(done, stat),
      ),
    readdir: (path: string, done: Done<readonly string[]>) =>
      look('readdir', path, () => operations.names(path, caller()), mapped(done, withDots)),
    statfs: (_path: string, done: Done<object>) =>
      look('statfs', '', () => operations.space(), mapped(done, statfsOf)),
    open: (path: string, flags: number, done: Done<Handle>) =>
      look('open', path, () => operations.open(path, flags, caller()), done),
    create: (path: string, mode: number, done: Done<Handle>) =>
      change('create', path, () => operations.create(path, mode, caller()), done),
    read: (
      path: string,
      handle: Handle,
      into: Buffer,
      length: number,
      offset: number,
      done: Done<void>,
    ) =>
      run(
        'bytes',
        'read',
        path,
        () => operations.read(handle, length, offset),
        (errno, bytes) => {
          if (bytes !== undefined) into.set(bytes)
          done(bytes?.length ?? errno)
        },
      ),
    write: (
      path: string,
      handle: Handle,
      from: Buffer,
      length: number,
      offset: number,
      done: Done<void>,
    ) =>
      run(
        'bytes',
        'write',
        path,
        () => operations.write(handle, from.subarray(0, length), offset),
        (errno) => done(errno === 0 ? length : errno),
      ),
    truncate: (path: string, size: number, done: Done<void>) =>
      change('truncate', path, () => operations.truncate(path, size, caller()), done),
    ftruncate: (path: string, handle: Handle, size: number, done: Done<void>) =>
      change('ftruncate', path, () => operations.truncateOpen(handle, size), done),
    fsync: (path: string, _onlyData: number, handle: Handle, done: Done<void>) =>
      change('fsync', path, () => operations.sync(handle), done),
    fsyncdir: (path: string, _onlyData: number, _handle: Handle, done: Done<void>) =>
      change('fsyncdir', path, () => operations.syncFolder(path, caller()), done),
    release: (path: string, handle: Handle, done: Done<void>) =>
      change('release', path, () => operations.close(handle), done),
    unlink: (path: string, done: Done<void>) =>
      change('unlink', path, () => operations.remove(path, caller()), done),
    rename: (from: string, to: string, done: Done<void>) =>
      change('rename', from, () => operations.rename(from, to, caller()), done),
    link: (from: string, to: string, done: Done<void>) =>
      change('link', from, () => operations.link(from, to, caller()), done),
    mkdir: (path: string, mode: number, done: Done<void>) =>
      change('mkdir', path, () => operations.makeFolder(path, mode, caller()), done),
    rmdir: (path: string, done: Done<void>) =>
      change('rmdir', path, () => operations.removeFolder(path, caller()), done),
    chmod: (path: string, mode: number, done: Done<void>) =>
      change('chmod', path, () => operations.changeMode(path, mode, caller()), done),
    chown: (_path: string, _uid: number, _gid: number, done: Done<void>) => done(0),
    utimens: (path: string, _accessedMs: number, _again: number, done: Done<void>) =>
      change('utimens', path, () => operations.changeTimes(path, modifiedMs(), caller()), done),
  }
}

interface Call<T> {
  readonly work: Work
  readonly name: string
  readonly path: string
  readonly act: Act<T>
  readonly done: Done<T>
}

function perform<T>(options: CallsOptions, { work, name, path, act, done }: Call<T>): void {
  const { hungPaths, deadlines, onFault } = options
  if (work !== 'change' && hungPaths.has(path)) {
    done(-errnos.EIO)
    return
  }
  const begunAt = performance.now()
  const fail = (error: unknown): void => {
    const code = errnoOfFault(error)
    if (!(error instanceof CallError) && !ordinaryCodes.has(code)) {
      hungPaths.failed(path, begunAt)
      onFault(error, `${name} ${path}`)
    }
    done(-errnos[code])
  }
  let answer: T | Promise<T>
  try {
    answer = act()
  } catch (error) {
    fail(error)
    return
  }
  if (!(answer instanceof Promise)) {
    done(0, answer)
    return
  }
  let isAnswered = false
  const answerOnce = (tell: () => void): void => {
    if (isAnswered) return
    isAnswered = true
    finish()
    tell()
  }
  const finish = deadlines.start(work, () => {
    answerOnce(() => fail(new Error('not answered in time', { cause: 'deadline' })))
  })
  answer.then(
    (value) => answerOnce(() => done(0, value)),
    (error: unknown) => answerOnce(() => fail(error)),
  )
}

function mapped<T, U>(done: Done<U>, map: (value: T) => U): Done<T> {
  return (errno, value) => {
    if (value === undefined) done(errno)
    else done(errno, map(value))
  }
}

function statOf(attributes: Attributes, owner: CallsOptions['owner']): object {
  const { kind, mode, size, modifiedMs } = attributes
  return {
    mode: kindBits[kind] | mode,
    size,
    nlink: kind === 'folder' ? 2 : 1,
    blksize: 4096,
    blocks: Math.ceil(size / 512),
    atime: modifiedMs,
    mtime: modifiedMs,
    ctime: modifiedMs,
    ...owner,
  }
}

function withDots(names: readonly string[]): readonly string[] {
  return ['.', '..', ...names]
}

function statfsOf({ blockBytes, blocks, free, available }: Space): object {
  return {
    bsize: blockBytes,
    frsize: blockBytes,
    blocks,
    bfree: free,
    bavail: available,
    files: 0xffffffff,
    ffree: 0xffffffff,
    favail: 0xffffffff,
    namemax: nameBytesMax,
  }
}
