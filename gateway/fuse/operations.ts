/** What a mount is asked to do, whatever stands behind it. Contracts only. */
import type { CallingProcess } from './calling-process.js'

/** Undefined where the system does not tell. */
export type Caller = CallingProcess | undefined

export interface Attributes {
  readonly kind: 'file' | 'folder'
  /** The permission bits. */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
}

/** The numbers of statfs(2), in blocks of `blockBytes`. */
export interface Space {
  readonly blockBytes: number
  readonly blocks: number
  readonly free: number
  readonly available: number
}

/** A number that stands for an open file; never 0. */
export type Handle = number

type Answer<T> = T | Promise<T>

/**
 * A CallError says what the caller is told; anything else that is thrown is a fault of the door or of what is behind it.
 * Paths are absolute, below the mount.
 */
export interface Operations {
  readonly attributes: (path: string, caller: Caller) => Answer<Attributes>
  readonly attributesOfOpen: (
    handle: Handle,
    path: string,
    caller: Caller,
  ) => Answer<Attributes>
  readonly names: (path: string, caller: Caller) => Answer<readonly string[]>
  readonly open: (path: string, flags: number, caller: Caller) => Answer<Handle>
  readonly create: (path: string, mode: number, caller: Caller) => Answer<Handle>
  /** Fewer bytes than asked for are the end of the file. */
  readonly read: (handle: Handle, length: number, offset: number) => Answer<Uint8Array>
  /** The bytes are the kernel's: what is to be kept of them is copied before this returns or waits. */
  readonly write: (handle: Handle, bytes: Buffer, offset: number) => Answer<void>
  readonly truncate: (path: string, size: number, caller: Caller) => Answer<void>
  readonly truncateOpen: (handle: Handle, size: number) => Answer<void>
  /** What was written is durable, or as safe as it can be before it is committed. */
  readonly sync: (handle: Handle) => Answer<void>
  readonly syncFolder: (path: string, caller: Caller) => Answer<void>
  readonly close: (handle: Handle) => Answer<void>
  readonly remove: (path: string, caller: Caller) => Answer<void>
  readonly rename: (from: string, to: string, caller: Caller) => Answer<void>
  readonly link: (from: string, to: string, caller: Caller) => Answer<void>
  readonly makeFolder: (path: string, mode: number, caller: Caller) => Answer<void>
  readonly removeFolder: (path: string, caller: Caller) => Answer<void>
  readonly changeMode: (path: string, mode: number, caller: Caller) => Answer<void>
  readonly changeTimes: (path: string, modifiedMs: number, caller: Caller) => Answer<void>
  readonly space: () => Answer<Space>
}
