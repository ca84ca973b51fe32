/** Knows the plain files as a file system of the library webdav-server. */
import webdav from 'webdav-server/lib/index.v2.js'
import type { PlainFiles, PlainResult } from './plain-files.js'

const { FileSystem, LocalLockManager, LocalPropertyManager, ResourceType, Errors } = webdav
type Path = webdav.Path
type Info = webdav.TypeInfo
type SimpleCallback = webdav.SimpleCallback
type ReturnCallback<T> = webdav.ReturnCallback<T>

/** The library's words for what became of a change. */
const errors = {
  created: undefined,
  replaced: undefined,
  missing: Errors.ResourceNotFound,
  'no-parent': Errors.IntermediateResourceMissing,
  taken: Errors.ResourceAlreadyExists,
} as const satisfies Record<PlainResult, Error | undefined>

/** What the tree must know of the request that it is asked for. */
export interface TreeWatch {
  /** The command has begun; before it the library only wonders what it could allow, and nothing is looked up. */
  readonly isAtWork: (context: webdav.RequestContext) => boolean
  readonly isShallow: (context: webdav.RequestContext) => boolean
  readonly onFault: (context: webdav.RequestContext, error: unknown) => void
}

export class PlainTree extends FileSystem {
  readonly #files: PlainFiles | undefined
  readonly #watch: TreeWatch

  constructor(files: PlainFiles | undefined, watch: TreeWatch) {
    super({
      uid: () => 'lockkeeper',
      serialize: (_fs, callback) => callback(Errors.InvalidOperation),
      unserialize: (_data, callback) => callback(Errors.InvalidOperation),
    })
    this.#files = files
    this.#watch = watch
  }

  protected override _type(
    path: Path,
    info: Info,
    callback: ReturnCallback<webdav.ResourceType>,
  ): void {
    if (!this.#watch.isAtWork(info.context)) {
      callback(Errors.ResourceNotFound)
      return
    }
    this.#act(
      info,
      (files) => files.stat(path.paths),
      (entry) => {
        if (entry === undefined) callback(Errors.ResourceNotFound)
        else callback(undefined, entry.isFolder ? ResourceType.Directory : ResourceType.File)
      },
    )
  }

  protected override _create(path: Path, info: Info, callback: SimpleCallback): void {
    this.#change(info, (files) => files.makeFolder(path.paths), callback)
  }

  protected override _delete(path: Path, info: Info, callback: SimpleCallback): void {
    this.#change(info, (files) => files.remove(path.paths), callback)
  }

  protected override _move(
    from: Path,
    to: Path,
    info: webdav.MoveInfo,
    callback: ReturnCallback<boolean>,
  ): void {
    this.#change(info, (files) => files.move(from.paths, to.paths, info.overwrite), callback)
  }

  protected override _copy(
    from: Path,
    to: Path,
    info: webdav.CopyInfo,
    callback: ReturnCallback<boolean>,
  ): void {
    const how = { replaces: info.overwrite, isShallow: this.#watch.isShallow(info.context) }
    this.#change(info, (files) => files.copy(from.paths, to.paths, how), callback)
  }

  /** Locks are kept, and checked, by the door itself. */
  protected override _lockManager(
    _path: Path,
    _info: Info,
    callback: ReturnCallback<webdav.ILockManager>,
  ): void {
    callback(undefined, new LocalLockManager())
  }

  protected override _propertyManager(
    _path: Path,
    _info: Info,
    callback: ReturnCallback<webdav.IPropertyManager>,
  ): void {
    callback(undefined, new LocalPropertyManager())
  }

  #change(
    info: Info,
    act: (files: PlainFiles) => Promise<PlainResult>,
    callback: ReturnCallback<boolean>,
  ): void {
    this.#act(info, act, (result) => callback(errors[result], result === 'replaced'))
  }

  /** A fault ends the request, and so does whatever the library throws when it is called back. */
  #act<T>(
    { context }: Info,
    act: (files: PlainFiles) => Promise<T>,
    callBack: (value: T) => void,
  ): void {
    const files = this.#files
    if (files === undefined) throw new Error('there are no plain files')
    act(files)
      .then(callBack)
      .catch((error: unknown) => this.#watch.onFault(context, error))
  }
}
