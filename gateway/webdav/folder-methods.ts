/** Knows what PROPFIND and MKCOL do to repositories, their folders, and the folders that lead to them. */
import { parseRepositoryId, type RepositoryId } from '../../fencing/object.js'
import { mayEnter } from '../gate/gate.js'
import type { Reply } from './answer.js'
import type { Call } from './call.js'
import { isProbe } from './opening.js'
import { answerPropfind, type Found } from './propfind.js'
import { isOwn } from './realm.js'
import { forbidden } from './refusals.js'
import { dropBody } from './request-body.js'
import {
  childrenAt,
  childrenOfRepository,
  folder,
  resourceAt,
  type InnerPlace,
} from './repository-resources.js'
import type { Resources } from './resource.js'
import { foldersOf } from './target.js'

const noParent: Reply = {
  status: 409,
  sentence: 'The folder that this would lie in is missing.',
}
const exists: Reply = { status: 405, sentence: 'There is something of this name already.' }
const notEmpty: Reply = {
  status: 403,
  sentence: 'There are other files here; a repository needs a folder of its own.',
}
const created: Reply = { status: 201 }
const noBody: Reply = { status: 415, sentence: 'A folder is made without a body.' }

/** Inside a repository. */
export async function propfindInside(call: Call<InnerPlace>): Promise<void> {
  await answerPropfind(call, async () => {
    const self = await resourceAt(call)
    return self && { self, children: () => childrenAt(call) }
  })
}

/** A repository, a folder that leads to one, or nothing; the hello of a run that begins is answered here too. */
export async function propfindFolder(call: Call): Promise<void> {
  await answerPropfind(call, () => findFolder(call))
}

/** Everything of a repository is there once it is begun; making one of its folders begins it. */
export async function makeInside(call: Call<InnerPlace>): Promise<Reply> {
  const { gate, folders, visitor, place, exchange } = call
  if (await dropBody(exchange)) return noBody
  const { repository } = place
  if (await gate.exists(repository)) {
    const isFolder = place.kind === 'type' || place.kind === 'packs'
    return isFolder ? exists : forbidden.junk
  }
  if (place.kind !== 'type') return noParent
  if (visitor.isReader === true) return forbidden.mounted
  if ((await folders.repositoryAbove(foldersOf(repository))) !== undefined) {
    return forbidden.junk
  }
  const obstacle = await obstacleTo(call, repository)
  if (obstacle !== undefined) return obstacle
  await gate.create(visitor, repository)
  folders.forget(repository)
  return created
}

/** Why no repository can be begun in a folder. */
async function obstacleTo(
  { folders, plain }: Call,
  repository: RepositoryId,
): Promise<Reply | undefined> {
  if (plain === undefined) return (await folders.stands(repository)) ? undefined : noParent
  const path = foldersOf(repository)
  const standing = await plain.stat(path)
  if (standing?.isFolder !== true) return noParent
  for await (const entries of plain.list(path)) if (entries.length > 0) return notEmpty
  return undefined
}

/** A folder that is to hold a repository is remembered, and made with it. */
export async function makeFolder(call: Call): Promise<Reply> {
  const { gate, folders, place, target, exchange } = call
  if (await dropBody(exchange)) return noBody
  if (place.kind !== 'folder') return forbidden.plain
  const { repository } = place
  if ((await gate.exists(repository)) || (await folders.stands(repository))) {
    return exists
  }
  if ((await folders.repositoryAbove(target.parts)) !== undefined) {
    return forbidden.junk
  }
  const parent = parseRepositoryId(target.parts.slice(0, -1))
  if (parent === undefined || !(await folders.stands(parent))) return noParent
  folders.noteEmpty(repository)
  return created
}

async function findFolder(call: Call): Promise<Found | undefined> {
  const { gate, folders, place, target } = call
  await noteProbe(call)
  if (place.kind !== 'folder') return undefined
  const { repository } = place
  const self = folder(target.parts)
  if (mayEnter(call.visitor, repository) && (await gate.exists(repository))) {
    return { self, children: () => inRepository(call, repository) }
  }
  if (!(await folders.stands(repository))) return undefined
  return { self, children: () => inFolder(call, repository) }
}

/** A file that restic asks for once, before all else, to see whether its rclone is there. */
async function noteProbe({ gate, openings, visitor, target }: Call): Promise<void> {
  const name = target.parts.at(-1) ?? ''
  if (!isProbe(name) || visitor.isReader === true) return
  const repository = parseRepositoryId(target.parts.slice(0, -1))
  if (repository === undefined || !(await gate.exists(repository))) return
  await openings.probe(gate, visitor, repository)
}

async function* inRepository(call: Call, repository: RepositoryId): AsyncGenerator<Resources> {
  yield* childrenOfRepository(call, repository)
  yield* inFolder(call, repository)
}

async function* inFolder(
  { folders, target, visitor }: Call,
  repository: RepositoryId,
): AsyncGenerator<Resources> {
  const paths = (await folders.namesIn(repository)).map((name) => [...target.parts, name])
  yield paths.filter((path) => isOwn(visitor, path)).map(folder)
}
