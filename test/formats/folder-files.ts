/** Reads a repository's files from a folder, as restic lays them out. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  FileName,
  ListedFile,
  ListedType,
  OpenFile,
  RepositoryFiles,
} from '../../formats/restic/ports.js'

export const folderFiles = (folder: string): RepositoryFiles => ({
  list: async (type) => {
    if (type !== 'data') return listFolder(join(folder, type))
    const subfolders = await readdir(join(folder, 'data'))
    const lists = await Promise.all(
      subfolders.map((each) => listFolder(join(folder, 'data', each))),
    )
    return lists.flat()
  },
  open: async (name) => openIn(join(folder, pathOf(name))),
})

const listFolder = async (folder: string): Promise<ListedFile[]> => {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(
    names.map(async (id) => ({ id, size: (await stat(join(folder, id))).size })),
  )
}

const pathOf = (name: FileName): string => {
  const [type, id = ''] = name.split('/') as [ListedType | 'config', string?]
  return type === 'data' ? join('data', id.slice(0, 2), id) : name
}

const openIn = async (path: string): Promise<OpenFile | undefined> => {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return undefined
  const { size } = await file.stat()
  return {
    size,
    read: async (start, length) => {
      const buffer = Buffer.alloc(length)
      const { bytesRead } = await file.read(buffer, 0, length, start)
      if (bytesRead < length) throw new Error(`${path} ends early`)
      return buffer
    },
    close: () => file.close(),
  }
}
