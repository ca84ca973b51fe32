/** Reads a tree, the blob that holds one folder of a snapshot: its text stays as it is, beside where each entry stands. */
import { damaged } from './format-error.js'
import { unquote } from './go-values.js'
import { JsonScanner } from './json-scanner.js'
import { readNode, type Node } from './node.js'

const noBytes: Buffer = Buffer.alloc(0)

export class Tree {
  readonly #text: Buffer
  /** Where each entry stands in the text, by name. */
  readonly #starts: Uint32Array

  constructor(text: Buffer, starts: Uint32Array) {
    this.#text = text
    this.#starts = starts
  }

  /** How many entries it has. */
  get length(): number {
    return this.#starts.length
  }

  /** The memory that it takes. */
  get byteLength(): number {
    return this.#text.byteLength + this.#starts.byteLength
  }

  /** The entry of this place, in the order of the names' bytes. */
  at(place: number): Node {
    return readNode(this.#scannerAt(place))
  }

  nameAt(place: number): Buffer {
    return readName(this.#scannerAt(place))
  }

  /** The entry of this name. */
  find(name: Buffer): Node | undefined {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = Buffer.compare(this.nameAt(middle), name)
      if (order === 0) return this.at(middle)
      if (order < 0) low = middle + 1
      else high = middle
    }
    return undefined
  }

  /** All entries by name, each read when it is its turn. */
  *[Symbol.iterator](): Generator<Node> {
    for (let place = 0; place < this.length; place += 1) yield this.at(place)
  }

  #scannerAt(place: number): JsonScanner {
    const start = this.#starts[place]
    if (start === undefined) throw new RangeError(`a tree has no entry ${place}`)
    return new JsonScanner(this.#text, 'a tree', start)
  }
}

/** Takes the text over. Throws where it is no tree, or two entries have one name. */
export function parseTree(text: Buffer): Tree {
  const scanner = new JsonScanner(text, 'a tree').requireUtf8()
  let starts = new Uint32Array(64)
  let length = 0
  const order = { isSorted: true }
  let last = noBytes
  scanner.object((key) => {
    if (key !== 'nodes') {
      scanner.skip()
      return
    }
    length = 0
    last = noBytes
    scanner.array(() => {
      if (length === starts.length) starts = grown(starts)
      starts[length] = scanner.position
      length += 1
      const name = readName(scanner)
      order.isSorted &&= Buffer.compare(last, name) < 0
      last = name
    })
  })
  scanner.end()
  const own = starts.slice(0, length)
  return new Tree(text, order.isSorted ? own : sortedByName(text, own))
}

function grown(starts: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * starts.length)
  more.set(starts)
  return more
}

/** Passes a whole entry. */
function readName(scanner: JsonScanner): Buffer {
  let name: Buffer = noBytes
  scanner.object((key) => {
    if (key === 'name') name = unquote(scanner.string())
    else scanner.skip()
  })
  if (name.length === 0) throw damaged('an entry of a tree has no name')
  return name
}

/** restic has always written them in order; who else wrote this one may not have. */
function sortedByName(text: Buffer, starts: Uint32Array): Uint32Array {
  const entries = [...starts].map((start) => ({
    start,
    name: readName(new JsonScanner(text, 'a tree', start)),
  }))
  entries.sort((one, other) => Buffer.compare(one.name, other.name))
  for (const [place, { name }] of entries.entries()) {
    if (entries[place + 1]?.name.equals(name) === true) {
      throw damaged('a tree has two entries of one name')
    }
  }
  return Uint32Array.from(entries, ({ start }) => start)
}
