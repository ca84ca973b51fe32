/** Whose call it is, found in a memory as libfuse, fuse-native and glibc lay it out, without a kernel. */
import test from 'ava'
import { CallingThreads, type Memory } from '../../gateway/fuse/calling-thread.js'

const mount = 0x10_0000
const handle = 0x20_0000
const otherMount = 0x30_0000
const ownContext = 0x40_0000
const otherContext = 0x40_0100
const localsAt = 0x50_0000
const stack = { start: 0x700_0000, end: 0x700_4000 }
/** Where glibc keeps a thread's own values, below the end of its stack. */
const ownValues = stack.end - 0x600
const caller = 4711
const otherCaller = 4712

/** Words of 8 bytes by their addresses. */
class Words implements Memory {
  readonly #words = new Map<number, bigint>()

  set(address: number, ...words: readonly number[]): this {
    words.forEach((word, at) => this.#words.set(address + 8 * at, BigInt(word)))
    return this
  }

  read = (into: Buffer, address: number): boolean => {
    for (let at = 0; at < into.length; at += 8) {
      into.writeBigUInt64LE(this.#words.get(address + at) ?? 0n, at)
    }
    return true
  }

  writable = (): [typeof stack] => [stack]
}

/** One mount's handle, and the contexts of two of its threads. */
function memoryOfMount(): Words {
  const words = new Words().set(mount + 368, handle)
  return words
    .set(ownContext, handle, 0, caller, mount)
    .set(otherContext, handle, 0, otherCaller, mount)
}

function localsOf(words: Words): Buffer {
  words.set(localsAt + 192, mount).set(localsAt + 232, localsAt)
  const locals = Buffer.alloc(256)
  words.read(locals, localsAt)
  return locals
}

test('the caller is named by the context that the thread keeps beside its locals', (t) => {
  const words = memoryOfMount().set(ownValues, 1, 0x999, 1, ownContext, 3, localsAt)
  t.is(new CallingThreads(words).of(localsOf(words)), caller)
})

test('what a thread before left on the stack is not taken for a context of this one', (t) => {
  const words = memoryOfMount().set(ownValues, 1, ownContext, 1, localsAt)
  // Near the thread's own values, and near a copy of the pointer to its locals in a frame.
  words.set(ownValues - 0x80, otherContext, otherContext, 0x7f_1235, otherContext)
  words.set(stack.end - 0x2000, localsAt, otherContext, 1, otherContext)
  t.is(new CallingThreads(words).of(localsOf(words)), caller)
})

test('nobody calls where two contexts look like the own one, or none does', (t) => {
  const two = memoryOfMount().set(ownValues, 1, ownContext, 1, localsAt, 1, otherContext)
  t.is(new CallingThreads(two).of(localsOf(two)), undefined)
  const none = memoryOfMount().set(ownValues, 1, localsAt)
  t.is(new CallingThreads(none).of(localsOf(none)), undefined)
  const ofOtherMount = memoryOfMount()
    .set(ownContext, handle, 0, caller, otherMount)
    .set(ownValues, 1, ownContext, 1, localsAt)
  t.is(new CallingThreads(ofOtherMount).of(localsOf(ofOtherMount)), undefined)
})
