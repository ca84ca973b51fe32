/** Knows which methods the things below the door's root understand. */
import { answerEmpty, type Told } from '../http/answer.js'
import { send, type Reply } from './answer.js'
import type { Call } from './call.js'
import { makeFolder, makeInside, propfindFolder, propfindInside } from './folder-methods.js'
import { lockPlain, unlockPlain } from './lock-methods.js'
import { answerDeletion, answerObject, answerUpload, refuse } from './object-methods.js'
import {
  answerPlain,
  findPlain,
  makePlain,
  putPlain,
  removePlain,
  setPlainProperties,
  transferPlain,
} from './plain-methods.js'
import type { PlainCall } from './plain-resources.js'
import { refuseProperties } from './proppatch.js'
import {
  forbidden,
  isRefusedPlace,
  toldOfPlain,
  toldOfReading,
  toldOfWriting,
} from './refusals.js'

type ByLibrary = () => Promise<number>

export interface Method {
  /** `byLibrary` does to plain files what the method says, and answers its status. */
  readonly answer: (byLibrary: ByLibrary) => Promise<void>
  readonly toldOf: (error: unknown) => Told
}

export type Methods = Readonly<Record<string, Method>>

/** What stands at the address of a call decides what can be done there. */
export async function methodsFor(call: Call): Promise<Methods> {
  const { place } = call
  switch (place.kind) {
    case 'object':
      return objectMethods({ ...call, place })
    case 'type':
    case 'packs':
    case 'junk': {
      const inside = { ...call, place }
      return {
        ...fixed(call, () => propfindInside(inside)),
        MKCOL: replying(call, () => makeInside(inside)),
      }
    }
    case 'folder':
    case 'plain': {
      const { plain } = call
      return plain !== undefined && (await isPlain({ ...call, plain }))
        ? plainMethods({ ...call, plain })
        : folderMethods(call)
    }
  }
}

/** Whether an address outside of restic's layout is one of plain files: not a repository, nor in one. */
async function isPlain({ plain, folders, target }: PlainCall): Promise<boolean> {
  try {
    return (await plain.stat(target.parts))?.isRepository !== true
  } catch (error) {
    if (isRefusedPlace(error) && (await folders.repositoryAbove(target.parts)) !== undefined)
      return false
    throw error
  }
}

/** Repositories themselves, and the folders that lead to them. */
function folderMethods(call: Call): Methods {
  return {
    ...fixed(call, () => propfindFolder(call)),
    MKCOL: replying(call, () => makeFolder(call)),
  }
}

function plainMethods(call: PlainCall): Methods {
  const change = (act: (byLibrary: ByLibrary) => Promise<Reply>): Method => ({
    answer: async (byLibrary) => {
      await send(call.answer, await act(byLibrary))
    },
    toldOf: toldOfPlain,
  })
  const read = (answer: () => Promise<void>): Method => ({ answer, toldOf: toldOfPlain })
  return {
    OPTIONS: read(() => answerOptions(call)),
    PROPFIND: read(() => findPlain(call)),
    PROPPATCH: read(() => setPlainProperties(call)),
    GET: read(() => answerPlain(call)),
    HEAD: read(() => answerPlain(call)),
    PUT: change(() => putPlain(call)),
    LOCK: change(() => lockPlain(call)),
    UNLOCK: change(() => unlockPlain(call)),
    MKCOL: change((byLibrary) => makePlain(call, byLibrary)),
    DELETE: change((byLibrary) => removePlain(call, byLibrary)),
    COPY: change((byLibrary) => transferPlain(call, byLibrary)),
    MOVE: change((byLibrary) => transferPlain(call, byLibrary)),
  }
}

function objectMethods(call: Parameters<typeof answerObject>[0]): Methods {
  return {
    ...fixed(call, () => propfindInside(call)),
    GET: reading(() => answerObject(call)),
    HEAD: reading(() => answerObject(call)),
    PUT: writing(() => answerUpload(call)),
    DELETE: writing(() => answerDeletion(call)),
    MKCOL: replying(call, () => makeInside(call)),
  }
}

/** What is part of a repository is neither moved nor locked, and has no properties but its own. */
function fixed(call: Call, propfind: () => Promise<void>): Methods {
  return {
    OPTIONS: reading(() => answerOptions(call)),
    PROPFIND: reading(propfind),
    PROPPATCH: writing(() => refuseProperties(call)),
    PUT: writing(() => refuse(call, forbidden.junk)),
    DELETE: writing(() => refuse(call, forbidden.folder)),
    COPY: writing(() => refuse(call, forbidden.moving)),
    MOVE: writing(() => refuse(call, forbidden.moving)),
    LOCK: writing(() => refuse(call, forbidden.locking)),
    UNLOCK: writing(() => refuse(call, forbidden.locking)),
  }
}

async function answerOptions(call: Call): Promise<void> {
  const { exchange, answer, plain } = call
  await exchange.body.drain()
  const methods = Object.keys(await methodsFor(call))
  answerEmpty(answer, 200, {
    allow: methods.join(', '),
    // Class 2 is locks; Explorer wants to hear who speaks.
    dav: plain === undefined ? '1' : '1, 2',
    'ms-author-via': 'DAV',
  })
}

export function reading(answer: () => Promise<void>): Method {
  return { answer, toldOf: toldOfReading }
}

export function writing(answer: () => Promise<void>): Method {
  return { answer, toldOf: toldOfWriting }
}

/** A change whose whole answer is a status and perhaps a sentence. */
export function replying({ answer }: Call, act: () => Promise<Reply>): Method {
  return writing(async () => {
    await send(answer, await act())
  })
}
