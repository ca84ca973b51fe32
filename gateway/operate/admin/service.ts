/** Answers what an operator asks for and does, over the fences and stores themselves. */
import { setTimeout } from 'node:timers/promises'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { isOpen, type Item } from '../../../fencing/state/item.js'
import type { Recorded } from '../../../fencing/journal/journal.js'
import {
  digestOf,
  typeOf,
  type ObjectName,
  type RepositoryId,
} from '../../../fencing/object.js'
import {
  BackendError,
  type Held,
  type JournalArchives,
  type JournalStore,
  type ObjectStore,
} from '../../../fencing/ports.js'
import type { RepositoryFence } from '../../../fencing/repository-fence.js'
import type { Fences } from '../../gate/fences.js'
import type { PlainFiles } from '../../webdav/plain-files.js'
import {
  AdminError,
  type Act,
  type Admin,
  type ArchivingQuestion,
  type FindingQuestion,
  type ItemsQuestion,
  type JournalQuestion,
  type ReleaseAct,
  type TokenAct,
  type VerificationQuestion,
} from './admin.js'
import type { DiskLook, DiskLooks } from './disk-looks.js'
import { followJournals, type Recordings } from './following.js'
import { readMany, verifyOne, viewRecord } from './reading.js'
import { asked, Repositories, unavailable } from './repositories.js'
import { formatPlace, parsePlace } from '../../../backends/record-search/question.js'
import type { RecordSearch } from '../../../backends/record-search/record-search.js'
import type { TokenFile } from '../identity/token-file.js'
import type { Entrance } from '../identity/entrance.js'
import type { Overlay } from '../../overlay/overlay.js'
import type { Overlays } from '../../overlay/overlays.js'
import { viewClient } from './client-habits.js'
import { viewItem, viewLocks, viewMaintenances, viewRepository, viewWriter } from './viewing.js'
import type {
  ArchiveView,
  ClientView,
  EndedView,
  ItemView,
  JournalPageView,
  LinkView,
  LockView,
  MadeTokenView,
  MaintenanceView,
  NotifyTestView,
  OverlayView,
  RecordView,
  RepositoryView,
  TokenView,
  UnfencedView,
  VerificationView,
} from './views.js'

export interface AdminServiceOptions {
  readonly store: ObjectStore
  readonly journal: JournalStore
  readonly archives: JournalArchives
  readonly fences: Fences
  readonly recordings: Recordings
  readonly search: RecordSearch
  readonly tokens: TokenFile
  /** Only where a gateway runs that serves them; `addressOf` says how a client reaches such a path. */
  readonly overlays?: Overlays
  readonly addressOf?: (path: string) => string
  /** Only where a gateway runs. */
  readonly looks?: DiskLooks
  /** Signs browsers in; only where a gateway runs. */
  readonly entrance?: Entrance
  /** Sends tests; only where a gateway runs. */
  readonly testNotification?: () => Promise<NotifyTestView[]>
  /** What this process serves beside the repositories: null where nothing. Not known where it serves nothing at all. */
  readonly plain?: PlainFiles | null
}

const unfencedNamesMax = 20
const migrationMs = 300

export class AdminService implements Admin {
  readonly #options: AdminServiceOptions
  readonly #repositories: Repositories

  constructor(options: AdminServiceOptions) {
    this.#options = options
    this.#repositories = new Repositories(options)
  }

  async status(name?: string, isGlance = false): Promise<RepositoryView[]> {
    const { plain, looks } = this.#options
    const look = isGlance ? looks?.last : undefined
    const repositories =
      this.#repositories.loaded(name) ??
      (await this.#repositories.named(name, await this.#repositories.all(look)))
    const plainFiles = plain === undefined ? null : plain !== null
    const views = repositories.map((repository) => this.#statusOf(repository, look))
    return (await Promise.all(views)).map((view) => ({ ...view, plainFiles }))
  }

  async unfenced(): Promise<UnfencedView> {
    const { plain } = this.#options
    if (plain === undefined || plain === null) return null
    const all = await this.#repositories.all()
    const led = new Set(all.map((repository) => repository.split('/')[0]))
    const names: string[] = []
    // A folder that is a repository itself has room for nothing else.
    if (led.has('')) return { count: 0, names }
    let count = 0
    await asked(async () => {
      for await (const entries of plain.list([])) {
        for (const { name, isFolder } of entries) {
          if (led.has(name)) continue
          count += 1
          if (names.length < unfencedNamesMax) names.push(isFolder ? `${name}/` : name)
        }
      }
    })
    return { count, names: names.sort() }
  }

  async endWriter(id: string, by: string): Promise<EndedView> {
    const { fence, writer } = await this.#repositories.writer(id)
    if (writer.ended !== undefined) {
      throw new AdminError(
        'already-ended',
        `writer ${id} has ended already (${writer.ended.cause})`,
      )
    }
    const view = { repository: fence.repository, ...viewWriter(fence.context(), writer) }
    const recorded = await asked(() => fence.endWriter(writer.id, by))
    try {
      await this.#options.fences.carryOut(fence, recorded)
    } catch (error) {
      throw notYet(error)
    }
    return view
  }

  async items({ repository, isWhole }: ItemsQuestion): Promise<ItemView[]> {
    const journalled = await this.#repositories.journalled()
    const named = await this.#repositories.named(repository, journalled)
    const items: ItemView[] = []
    for (const one of named) {
      const fence = await asked(() => this.#options.fences.of(one))
      // A folder that is gone has its journal still, and nothing to release into.
      for (const item of fence?.state.items.values() ?? []) {
        if (isWhole || isOpen(item)) items.push(viewItem(one, item))
      }
    }
    return items.sort((a, b) => Date.parse(a.time) - Date.parse(b.time))
  }

  async item(id: string): Promise<ItemView> {
    const { fence, item } = await this.#repositories.item(id)
    return viewItem(fence.repository, item)
  }

  async bytes(id: string): Promise<Readable> {
    const { fence, item } = await this.#repositories.item(id)
    refuseWithoutBytes(item)
    const open = await asked(() => this.#options.store.openHeld(fence.repository, held(item)))
    if (open !== undefined) return open.read()
    throw new AdminError('unavailable', `the bytes of ${id} are not in the quarantine folder`)
  }

  async release(id: string, act: ReleaseAct): Promise<ItemView> {
    return this.#actOn(id, async (fence, item) => {
      refuseWithoutBytes(item)
      refuseLock(item)
      const { by, reason, isForced: forced } = act
      const isHarmless = forced || typeOf(item.object) === 'data'
      const proves = isHarmless ? undefined : () => this.#options.overlays?.proofOf(item)
      if (proves !== undefined && proves() === undefined) throw unproved(item)
      await this.#proveBytes(fence, item)
      const recorded = await asked(() => fence.release(item, { by, reason, forced }, proves))
      if (recorded.length === 0) throw unproved(item)
      return recorded
    })
  }

  async discard(id: string, act: Act): Promise<ItemView> {
    return this.#actOn(id, (fence, item) => asked(() => fence.discard(item, act)))
  }

  async overlay(ids: readonly string[]): Promise<OverlayView> {
    const found = await Promise.all(ids.map((id) => this.#repositories.item(id)))
    const [first] = found
    const overlays = this.#overlays()
    if (first === undefined || found.some(({ fence }) => fence !== first.fence)) {
      throw new AdminError('malformed-question', 'an overlay has items of one repository')
    }
    const items = found.map(({ item }) => item)
    for (const item of items) {
      refuseWithoutBytes(item)
      refuseLock(item)
    }
    return this.#viewOverlay(overlays.open(first.fence, items))
  }

  async overlayOf(id: string): Promise<OverlayView> {
    const overlay = this.#overlays().get(id)
    if (overlay !== undefined) return Promise.resolve(this.#viewOverlay(overlay))
    throw new AdminError('unknown-overlay', `there is no overlay "${id}" any more`)
  }

  #overlays(): Overlays {
    const { overlays } = this.#options
    if (overlays !== undefined) return overlays
    throw new AdminError(
      'no-gateway',
      'only a gateway that runs can show an overlay to a client',
    )
  }

  #viewOverlay(overlay: Overlay): OverlayView {
    const { id, repository, items, state, left, proof } = overlay
    const path = `/-/overlay/${id}/${pathOf(repository)}`
    const address = this.#options.addressOf?.(path) ?? `http://HOST${path}`
    return {
      ...{ id, repository, path, state, left },
      items: items.map((item) => item.id),
      command: `restic -r rest:${address} check --no-lock`,
      proof: proof ?? null,
    }
  }

  async *journal(question: JournalQuestion, signal: AbortSignal): AsyncGenerator<RecordView> {
    const { recordings } = this.#options
    const whole = this.#options
    const { repository: name, position = 1, time = Number.NEGATIVE_INFINITY } = question
    const journalled = await this.#repositories.journalled()
    const repositories = await this.#repositories.named(name, journalled)
    if (question.isFollowed) {
      const isMeant = (one: RepositoryId): boolean =>
        name === undefined || repositories.includes(one)
      const span = { position, time }
      yield* followJournals({ whole, recordings, repositories, isMeant, span, signal })
      return
    }
    try {
      for await (const one of readMany(whole, repositories, () => ({ position, time }))) {
        if (signal.aborted) return
        yield viewRecord(one.repository, one.record)
      }
    } catch (error) {
      throw error instanceof BackendError ? unavailable(error) : error
    }
  }

  async find(question: FindingQuestion): Promise<JournalPageView> {
    const { repository: name, cursor, ...rest } = question
    const place = cursor === undefined ? undefined : parsePlace(cursor)
    if (cursor !== undefined && place === undefined) {
      throw new AdminError('malformed-question', `"${cursor}" is no cursor of this journal`)
    }
    const journalled = name === undefined ? [] : await this.#repositories.journalled()
    const [repository] =
      name === undefined ? [] : await this.#repositories.named(name, journalled)
    const page = await asked(() => this.#options.search.find({ ...rest, repository, place }))
    const records = page.records.map(({ repository: one, record, place: at }) => {
      return { ...viewRecord(one, record), cursor: formatPlace(at) }
    })
    const next = page.isMore ? (records.at(-1)?.cursor ?? null) : null
    return { records, next, anew: page.isAnew }
  }

  async clients(name?: string): Promise<ClientView[]> {
    const journalled = name === undefined ? [] : await this.#repositories.journalled()
    const [one] = name === undefined ? [] : await this.#repositories.named(name, journalled)
    const all = await asked(() => this.#options.search.snapshots(one))
    return all.map((snapshots) => viewClient(snapshots, Date.now()))
  }

  async locks(name: string): Promise<LockView[]> {
    return viewLocks(await this.#known(name))
  }

  async maintenances(name: string): Promise<MaintenanceView[]> {
    return viewMaintenances(await this.#known(name))
  }

  async verify({ repository, head }: VerificationQuestion): Promise<VerificationView[]> {
    const journalled = await this.#repositories.journalled()
    const named = await this.#repositories.named(repository, journalled)
    const views: VerificationView[] = []
    for (const one of named) {
      views.push(await asked(() => verifyOne(this.#options, one, head)))
    }
    return views
  }

  async archive({ repository }: ArchivingQuestion): Promise<ArchiveView[]> {
    const journalled = await this.#repositories.journalled()
    const views: ArchiveView[] = []
    for (const one of await this.#repositories.named(repository, journalled)) {
      const fence = await this.#repositories.fence(one)
      const archive = await asked(() => fence.seal(this.#options.archives))
      if (archive === undefined) views.push({ repository: one, records: 0, archive: null })
      else {
        const records = archive.to - archive.from + 1
        views.push({ repository: one, records, archive: archive.name })
      }
    }
    return views
  }

  async fence(name: string, { by, reason }: Act): Promise<number> {
    const all = await this.#repositories.all()
    const [repository] = await this.#repositories.named(name, all)
    const fence = await this.#repositories.fence(repository ?? ('' as RepositoryId))
    await asked(() => fence.raise(by, reason))
    return fence.state.generation
  }

  async tokens(): Promise<TokenView[]> {
    return this.#options.tokens.list()
  }

  async addToken(act: TokenAct): Promise<MadeTokenView> {
    return this.#options.tokens.add(act)
  }

  async revokeToken(id: string): Promise<TokenView> {
    return this.#options.tokens.revoke(id)
  }

  async link(by: string): Promise<LinkView> {
    const { entrance } = this.#options
    if (entrance !== undefined) return entrance.link(by)
    throw new AdminError(
      'no-gateway',
      'no gateway runs here, so there is no page to be linked to',
    )
  }

  async testNotification(): Promise<NotifyTestView[]> {
    const { testNotification } = this.#options
    if (testNotification !== undefined) return testNotification()
    throw new AdminError('no-gateway', 'no gateway runs here, and it is what sends')
  }

  /** One that has a journal; to look at a repository is no reason to adopt it. */
  async #known(name: string): Promise<RepositoryFence> {
    const journalled = await this.#repositories.journalled()
    const [repository] = await this.#repositories.named(name, journalled)
    return this.#repositories.fence(repository ?? ('' as RepositoryId))
  }

  async #statusOf(
    repository: RepositoryId,
    look?: DiskLook,
  ): Promise<Omit<RepositoryView, 'plainFiles'>> {
    const { fences, journal, store } = this.#options
    const hadConfig = look?.withConfig.has(repository) === true
    const hasConfig = hadConfig || (await this.#hasConfig(repository))
    try {
      const known = fences.lastKnown(repository)
      // To look at a repository is no reason to adopt it.
      const { position } = known?.head ?? (await journal.head(repository))
      const isAdopted = position > 0
      const fence = isAdopted ? await fences.of(repository) : undefined
      if (fence !== undefined) return { ...viewRepository(fence), hasConfig }
      const locks = (await store.list(repository, 'locks')) ?? []
      const fault = isAdopted ? 'its folder is gone' : null
      return { ...nothingOf(repository), hasConfig, locks: locks.length, fault }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      return { ...nothingOf(repository), hasConfig, fault: error.message }
    }
  }

  /** restic's migrate deletes it, and posts it again within a moment. What cannot be looked at is told by its fault. */
  async #hasConfig(repository: RepositoryId): Promise<boolean> {
    const { store } = this.#options
    const isThere = async (): Promise<boolean> => {
      return (await store.stat(repository, 'config' as ObjectName)) !== undefined
    }
    try {
      if (await isThere()) return true
      await setTimeout(migrationMs)
      return await isThere()
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      return true
    }
  }

  async #actOn(
    id: string,
    act: (fence: RepositoryFence, item: Item) => Promise<Recorded[]>,
  ): Promise<ItemView> {
    const { fence, item } = await this.#repositories.item(id)
    // Its bytes may be on their way into quarantine still, or out of it.
    return asked(async () => {
      let recorded: readonly Recorded[] | undefined
      try {
        await this.#options.fences.decide(fence, item.object, async () => {
          if (!isOpen(item)) {
            throw new AdminError('already-decided', `${item.id} is ${item.state} already`)
          }
          recorded = await act(fence, item)
          return { recorded }
        })
      } catch (error) {
        throw recorded === undefined ? error : notYet(error)
      }
      return viewItem(fence.repository, item)
    })
  }

  /** The bytes must be what their name says, and nothing that stands in the repository is ever replaced. */
  async #proveBytes(fence: RepositoryFence, item: Item): Promise<void> {
    const { store } = this.#options
    const hash = createHash('sha256')
    for await (const chunk of await this.bytes(`${fence.repository}:${item.id}`)) {
      hash.update(chunk as Uint8Array)
    }
    const sha256 = hash.digest('hex')
    const name = digestOf(item.object)
    if (name !== undefined && name !== sha256) {
      const message = `the bytes of ${item.id} are damaged: their SHA-256 is ${sha256}`
      throw new AdminError('damaged-bytes', message)
    }
    const standing = await asked(() => store.digest(fence.repository, item.object))
    if (standing !== undefined && standing.sha256 !== sha256) {
      const message = `${item.object} stands in the repository with other content, and is never replaced`
      throw new AdminError('never-replaced', message)
    }
  }
}

function nothingOf(name: string): Omit<RepositoryView, 'plainFiles' | 'hasConfig'> {
  const quarantined = { count: 0, bytes: 0 }
  const empty = { writers: [], locks: 0, quarantined, maintenance: null, fault: null }
  return {
    name,
    generation: 1,
    fencing: null,
    passed: {},
    adopted: null,
    outside: null,
    ...empty,
  }
}

function held(item: Item): Held {
  return { area: 'quarantine', id: item.id }
}

function refuseWithoutBytes(item: Item): void {
  if (!isOpen(item)) {
    throw new AdminError(
      'already-decided',
      `${item.id} is ${item.state} already; its bytes are gone`,
    )
  }
  if (!item.isKept) {
    const message = `only the story of ${item.id} was kept: the quarantine was full when it was refused`
    throw new AdminError('not-kept', message)
  }
}

/** Nothing names a pack until an index does. Of all else it cannot be seen without the password what it leans on. */
function unproved(item: Item): AdminError {
  const message =
    `${item.id} is not a pack: it may lean on what a prune has deleted since. Check the repository with it first: ` +
    `"lockkeeper quarantine overlay ${item.id}", with all that the same run sent, prints the command; after a check ` +
    'that passed this releases it. Packs, then indexes, then snapshots. If you know better, say --force'
  return new AdminError('not-a-pack', message)
}

function refuseLock(item: Item): void {
  if (typeOf(item.object) !== 'locks') return
  const message = `${item.id} is a lock: released, nobody would refresh or remove it; discard it`
  throw new AdminError('is-a-lock', message)
}

/** With a slash behind it; the root itself has no name. */
function pathOf(repository: RepositoryId): string {
  const parts = repository.split('/').filter((part) => part !== '')
  return parts.map((part) => `${encodeURIComponent(part)}/`).join('')
}

/** What a record says is done, now or later: an intent is never given up. */
function notYet(error: unknown): unknown {
  if (!(error instanceof BackendError)) return error
  const message = `it is in the journal, but could not be carried out yet: ${error.message}; it is tried again`
  return new AdminError('not-carried-out', message, { cause: error })
}
