/** What this project calls of fuse-native, which has no types of its own; the underscored members are there to be overridden. */
declare module 'fuse-native' {
  namespace Fuse {
    type Answer = (errno: number, ...rest: never[]) => void
    /** The native side calls with its thread's locals, the operation's number and its arguments. */
    type NativeHandler = (thread: Buffer, ...rest: unknown[]) => unknown

    interface Options {
      readonly timeout?: false
      readonly allowOther?: boolean
      readonly fsname?: string
      readonly subtype?: string
      readonly maxRead?: number
    }

    interface Binding {
      readonly sizeof_fuse_thread_t: number
      readonly fuse_native_mount: (
        folder: string,
        options: string,
        thread: Buffer,
        mount: Fuse,
        malloc: unknown,
        handlers: unknown,
        implemented: Uint32Array,
      ) => void
    }
  }

  class Fuse {
    constructor(folder: string, operations: object, options: Fuse.Options)
    mount(callback: (error: Error | null) => void): void
    /** What the handlers are called on. */
    ops: object
    readonly mnt: string
    readonly _malloc: unknown
    readonly _handlers: unknown
    _thread: Buffer
    _openCallback: (error: Error | null) => void
    _open(opened: (error: Error | null) => void): void
    _fuseOptions(): string
    _getImplementedArray(): Uint32Array
    _makeHandlerArray(): (Fuse.NativeHandler | undefined)[]
    _op_fgetattr(answer: unknown, path: string, handle: number): void
  }

  export default Fuse
}
