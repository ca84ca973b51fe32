/** Knows which methods the things below the door's root understand. */
import { answerEmpty, send, type Reply, type Told } from './answer.js'
import type { Call } from './call.js'
import { makeFolder, makeInside, propfindFolder, propfindInside } from './folder-methods.js'
import { answerDeletion, answerObject, answerUpload, refuse } from './object-methods.js'
import { refuseProperties } from './proppatch.js'
import { forbidden, toldOfReading, toldOfWriting } from './refusals.js'

export interface Method {
  readonly answer: () => Promise<void>
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
    case 'folder': {
      const here = { ...call, place }
      return {
        ...fixed(call, () => propfindFolder(call)),
        MKCOL: replying(call, () => makeFolder(here)),
      }
    }
    case 'plain':
      return { PROPFIND: reading(() => propfindFolder(call)) }
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
  return writing(async () => send(answer, await act()))
}
