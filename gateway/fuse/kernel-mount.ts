/** Knows fuse-native, which is dangerous as it comes: how to mount with it so that no call is lost, late or torn. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type Fuse from 'fuse-native'
import type { CallingProcesses } from './calling-process.js'
import { CallingThreads } from './calling-thread.js'
import { createCalls } from './calls.js'
import type { Deadlines } from './deadlines.js'
import type { HungPaths } from './hung-paths.js'
import { CallError } from './errno.js'
import type { Caller, Operations } from './operations.js'

export interface KernelMountOptions {
  readonly folder: string
  readonly operations: Operations
  readonly processes: CallingProcesses
  readonly deadlines: Deadlines
  readonly hungPaths: HungPaths
  readonly allowOther: boolean
  readonly isReadOnly: boolean
  /** Processes whose calls would wait for themselves. */
  readonly refused: ReadonlySet<number>
  readonly onFault: (error: unknown, call: string) => void
}

/** What mountinfo calls our mounts. */
export const mountSource = 'lockkeeper'

/**
 * Names and attributes are asked for anew each time: which files a process sees is the gateway's to say, and its look at
 * `config` is the opening of a writer. Without big_writes a write comes in pieces of 4 KiB.
 */
const kernelOptions = [
  'big_writes',
  'hard_remove',
  'entry_timeout=0',
  'attr_timeout=0',
  'negative_timeout=0',
]

/** Where fuse-native's locals of a call have the second time of utimens, of which it hands over the first one twice. */
const modifiedInLocals = 112

/**
 * Loads all that is needed, so that the mount itself, which resolves when it answers, is the matter of a moment. Both throw
 * where fuse-native or the system cannot.
 */
export async function prepareMount(options: KernelMountOptions): Promise<() => Promise<void>> {
  const { default: Native } = await import('fuse-native')
  const binding = loadBinding()
  const { folder, operations, deadlines, hungPaths, onFault } = options
  let locals: Buffer = Buffer.alloc(0)
  const calls = createCalls({
    operations,
    deadlines,
    hungPaths,
    caller: callerOf(options, () => locals),
    modifiedMs: () => Number(locals.readBigUInt64LE(modifiedInLocals)),
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    onFault,
  })
  const extra = [...kernelOptions, ...(options.isReadOnly ? ['ro'] : [])]

  class Mount extends Native {
    override _fuseOptions(): string {
      return [super._fuseOptions(), ...extra].join(',')
    }

    /** Notes whose call it is before the call is taken apart. */
    override _makeHandlerArray(): (Fuse.NativeHandler | undefined)[] {
      return super._makeHandlerArray().map((handle) => {
        return (
          handle &&
          ((thread, ...rest) => {
            locals = thread
            return handle(thread, ...rest)
          })
        )
      })
    }

    /** Its own refuses a folder on which something is mounted, as our shield is. */
    override _open(opened: (error: Error | null) => void): void {
      this._thread = Buffer.alloc(binding.sizeof_fuse_thread_t)
      this._openCallback = opened
      const implemented = this._getImplementedArray()
      const { mnt, _thread, _malloc, _handlers } = this
      const fuseOptions = this._fuseOptions()
      try {
        binding.fuse_native_mount(
          mnt,
          fuseOptions,
          _thread,
          this,
          _malloc,
          _handlers,
          implemented,
        )
      } catch (error) {
        opened(error instanceof Error ? error : new Error(String(error)))
      }
    }

    /** It would ask for the attributes of the path, which may be gone, and forget the handle. */
    override _op_fgetattr(answer: unknown, path: string, handle: number): void {
      const getattr = (_path: string, done: unknown): unknown =>
        calls.fgetattr(path, handle, done as never)
      this.ops = { ...calls, getattr }
      try {
        super._op_fgetattr(answer, path, handle)
      } finally {
        this.ops = calls
      }
    }
  }

  const mount = new Mount(folder, calls, {
    timeout: false,
    fsname: mountSource,
    subtype: mountSource,
    allowOther: options.allowOther,
  })
  return () =>
    new Promise<void>((resolve, reject) => {
      mount.mount((error) => (error === null ? resolve() : reject(error)))
    })
}

/** The native side of fuse-native, by the same way that it takes itself. */
function loadBinding(): Fuse.Binding {
  const require = createRequire(createRequire(import.meta.url).resolve('fuse-native'))
  const load = require('node-gyp-build') as (folder: string) => Fuse.Binding
  return load(dirname(require.resolve('fuse-native')))
}

function callerOf(
  { processes, refused }: KernelMountOptions,
  locals: () => Buffer,
): () => Caller {
  const threads = CallingThreads.open()
  return () => {
    const thread = threads?.of(locals())
    const caller = thread === undefined ? undefined : processes.of(thread)
    // It would wait for itself.
    if (caller !== undefined && refused.has(caller.pid)) throw new CallError('EDEADLK')
    return caller
  }
}
