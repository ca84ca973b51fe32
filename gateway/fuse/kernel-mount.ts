/** Knows fuse-native, which is dangerous as it comes: how to mount with it so that no call is lost, late or torn. */
import type Fuse from 'fuse-native'
import type { CallingProcesses } from './calling-process.js'
import { CallingThreads } from './calling-thread.js'
import { createCalls } from './calls.js'
import type { Deadlines } from './deadlines.js'
import { CallError } from './errno.js'
import type { Caller, Operations } from './operations.js'

export interface KernelMountOptions {
  readonly folder: string
  readonly operations: Operations
  readonly processes: CallingProcesses
  readonly deadlines: Deadlines
  readonly allowOther: boolean
  /** Lets the system's fusermount clean up after this process, however it ends. */
  readonly autoUnmount: boolean
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

/** Resolves when the mount answers. Throws where fuse-native or the system cannot. */
export async function mountKernel(options: KernelMountOptions): Promise<void> {
  const { default: Native } = await import('fuse-native')
  const { folder, operations, deadlines, onFault } = options
  let locals: Buffer = Buffer.alloc(0)
  const calls = createCalls({
    operations,
    deadlines,
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
    autoUnmount: options.autoUnmount,
  })
  await new Promise<void>((resolve, reject) => {
    mount.mount((error) => (error === null ? resolve() : reject(error)))
  })
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
