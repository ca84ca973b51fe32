/**
 * Takes two stories through every order of their requests, with a crash of the gateway at every point where asked for,
 * and judges each state once: states that the core and the clients cannot tell apart have the same future.
 */
import { createHash } from 'node:crypto'
import type { WriterId } from '../../fencing/journal/event.js'
import type { ObjectName } from '../../fencing/object.js'
import type { Channel } from '../../fencing/evidence/presence.js'
import { World, lock, type SimulatedClient } from '../fencing/world.js'
import { Contents, damageOf } from './model.js'
import { pictureOf } from './picture.js'
import type { Answer, Ending, Request, Story } from './stories.js'

export interface Setting {
  /**
   * On one known channel each; all after the opening on a second one, as where locks are read side by side; each request
   * on a new one, as after a sleep; or behind a proxy; or with a tag.
   */
  readonly channels: 'known' | 'second' | 'new' | 'hidden' | 'tagged'
  /** Somebody takes the first one's lock away as soon as it stands. */
  readonly isLockRemoved: boolean
  /** Whether the gateway dies once, anywhere. */
  readonly crashes: boolean
}

export interface Start {
  readonly standing: readonly ObjectName[]
  readonly contents: () => Contents
}

/**
 * One step of a history: whose request is sent, and where the gateway dies with it: `arriving`, before anything
 * was recorded; `recorded`, before its effect; `answering`, with all done but the answer.
 */
export interface Step {
  readonly who: 0 | 1
  readonly dies?: 'arriving' | 'recorded' | 'answering'
}

export interface Findings {
  states: number
  /** Orders of whole histories, equal states counted with all their pasts. */
  histories: number
  /** States in which one of them has been refused. */
  refusals: number
  damage: string | undefined
}

const deaths = ['arriving', 'recorded', 'answering'] as const

export async function explore(
  start: Start,
  stories: readonly [Story, Story],
  setting: Setting,
): Promise<Findings> {
  const findings: Findings = { states: 0, histories: 0, refusals: 0, damage: undefined }
  /** How many whole histories follow on each state that was seen. */
  const known = new Map<string, number>()
  const visit = async (path: readonly Step[], reached?: Game): Promise<number> => {
    let game: Game | undefined = reached ?? (await Game.replay(start, stories, setting, path))
    const picture = game.picture()
    const before = known.get(picture)
    if (before !== undefined) return before
    findings.states += 1
    if (game.isRefused) findings.refusals += 1
    findings.damage ??= game.damage && `${describe(path)}: ${game.damage}`
    const next = game.nextSteps()
    let histories = next.length === 0 ? 1 : 0
    for (const step of next) {
      const onward: Game | undefined = game
      game = undefined
      await onward?.take(step)
      histories += await visit([...path, step], onward)
    }
    known.set(picture, histories)
    return histories
  }
  findings.histories = await visit([])
  return findings
}

export function describe(path: readonly Step[]): string {
  return path.map(({ who, dies }) => `${'ab'[who] ?? ''}${dies ? ` (${dies})` : ''}`).join(' ')
}

interface Player {
  readonly name: string
  readonly client: SimulatedClient
  readonly story: Generator<Request, Ending, Answer>
  /** The answers that its story went on with: a lost one and what it leads to leave no trace in it. */
  readonly heard: Answer[]
  channel: Channel
  openings: number
  /** An upload's answer was lost, and the deletion that takes it back is due or lost as well. */
  isTakingBack: boolean
  due?: Request
  ending?: Ending
}

class Game {
  readonly #world: World
  readonly #contents: Contents
  readonly #setting: Setting
  readonly #players: Player[]
  readonly #openings = new Map<WriterId, string>()
  #hasDied = false

  private constructor(
    world: World,
    contents: Contents,
    setting: Setting,
    stories: readonly [Story, Story],
  ) {
    this.#world = world
    this.#contents = contents
    this.#setting = setting
    this.#players = stories.map((story, at) => {
      const name = 'ab'[at] ?? ''
      const client = world.client(setting.channels === 'tagged' ? { tag: name } : {})
      const run = story(contents, name)
      const channel = this.#newChannel(name)
      const fresh = { heard: [], openings: 0, isTakingBack: false }
      const player: Player = { name, client, story: run, channel, ...fresh }
      this.#advance(player, undefined)
      return player
    })
  }

  static async replay(
    start: Start,
    stories: readonly [Story, Story],
    setting: Setting,
    path: readonly Step[],
  ): Promise<Game> {
    const world = await World.create({ standing: start.standing })
    const game = new Game(world, start.contents(), setting, stories)
    for (const step of path) await game.take(step)
    return game
  }

  get isRefused(): boolean {
    return this.#players.some(({ heard }) => heard.includes('refused'))
  }

  get damage(): string | undefined {
    return damageOf(this.#contents, this.#world.disk)
  }

  nextSteps(): Step[] {
    const running = ([0, 1] as const).filter((who) => this.#players[who]?.due !== undefined)
    const steps: Step[] = running.map((who) => ({ who }))
    if (!this.#setting.crashes || this.#hasDied) return steps
    return [...steps, ...running.flatMap((who) => deaths.map((dies) => ({ who, dies })))]
  }

  async take({ who, dies }: Step): Promise<void> {
    const player = this.#players[who]
    const request = player?.due
    if (player === undefined || request === undefined) return
    if (dies === 'recorded') this.#world.holdsBack = 'all'
    const answer = dies === 'arriving' ? 'lost' : await this.#send(player, request)
    if (dies !== undefined) await this.#restart()
    this.#advance(player, dies === undefined ? answer : 'lost')
    await this.#listOn(player)
    if (this.#setting.isLockRemoved) this.#world.disk.delete(lock('a'))
  }

  /** Listings change nothing but what their writer knows: with crashes too, they are taken in one step. */
  async #listOn(player: Player): Promise<void> {
    while (this.#setting.crashes && player.due?.kind === 'list') {
      this.#advance(player, await this.#send(player, player.due))
    }
  }

  picture(): string {
    const clients = this.#players.map(({ heard, channel, due, ending }) => {
      return [heard, channel.id, due, ending]
    })
    const core = pictureOf(this.#world.fence, (id) => this.#nameOf(id))
    const disk = [...this.#world.disk].sort()
    const picture = JSON.stringify([core, clients, disk, this.#hasDied])
    return createHash('sha256').update(picture).digest('base64')
  }

  /** After the gateway died nobody's connection stands any more. */
  async #restart(): Promise<void> {
    this.#hasDied = true
    this.#world.holdsBack = undefined
    this.#world.heldBack = []
    await this.#world.restart()
    for (const player of this.#players) this.#renew(player)
  }

  #advance(player: Player, answer: Answer | undefined): void {
    const { due, story } = player
    const hasTakenBack = player.isTakingBack
    player.isTakingBack = answer === 'lost' && due?.kind === 'post'
    if (answer !== undefined && answer !== 'lost' && !hasTakenBack) player.heard.push(answer)
    const { done, value } = answer === undefined ? story.next() : story.next(answer)
    delete player.due
    if (done === true) player.ending = value
    else player.due = value
    // The opening and all up to the look come at once; what comes later may come on any channel.
    const { channels } = this.#setting
    const { length } = player.heard
    if (channels === 'new' && length > 3) this.#renew(player)
    if (channels === 'second' && length === 1 && due?.kind === 'open') this.#renew(player)
  }

  async #send(player: Player, request: Request): Promise<Answer> {
    const { name, client, channel } = player
    switch (request.kind) {
      case 'open':
        await client.open(channel)
        player.openings += 1
        if (client.id !== undefined) this.#openings.set(client.id, `${name} ${player.openings}`)
        return 'ok'
      case 'list':
        return client.list(request.type, channel)
      case 'read':
        client.ping(channel)
        return 'ok'
      case 'post':
        return (await client.post(request.object, channel)) === 'ok' ? 'ok' : 'refused'
      case 'delete':
        return (await client.delete(request.object, channel)) === 'ok' ? 'ok' : 'refused'
    }
  }

  #renew(player: Player): void {
    const { name, heard, isTakingBack } = player
    player.channel = this.#newChannel(`${name} ${heard.length}${isTakingBack ? ' again' : ''}`)
  }

  #newChannel(id: string): Channel {
    const isHidden = this.#setting.channels === 'hidden'
    return { ...this.#world.channel({ isHidden }), id }
  }

  /** A process that opened twice, since the first answer was lost, stands for two writers. */
  #nameOf(id: WriterId | undefined): string {
    return (id && this.#openings.get(id)) ?? String(id)
  }
}
