/** Every attack by its name: what one user, or nobody, does over real sockets to cost the others. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { setTimeout as delay } from 'node:timers/promises'

export interface Attacked {
  readonly port: number
  /** `user:password` of the attacker, where it has one. */
  readonly login: string | undefined
  readonly isOver: () => boolean
  readonly leftMs: () => number
  readonly note: (answer: string) => void
}

export type Attack = (attacked: Attacked) => Promise<void>

/** Its own, since limits are counted by address. */
const attackersAddress = '127.0.0.66'

async function open(port: number): Promise<Socket | undefined> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: attackersAddress })
  socket.on('error', () => undefined)
  try {
    await once(socket, 'connect')
    return socket
  } catch {
    return undefined
  }
}

function basic(login: string): string {
  return `Authorization: Basic ${Buffer.from(login).toString('base64')}`
}

/** So many at once, each beginning anew when it is through, until the time is over. */
async function besiege(
  { isOver, leftMs }: Attacked,
  count: number,
  one: (index: number, round: number) => Promise<void>,
): Promise<void> {
  const siege = Array.from({ length: count }, async (_, index) => {
    for (let round = 0; !isOver(); round += 1) {
      await one(index, round)
      // Whoever is closed out at once does not spin.
      await delay(5)
    }
  })
  await Promise.race([Promise.all(siege), delay(leftMs() + 100)])
}

/** Sends, and resolves with the status of the answer, or with how it went otherwise. */
async function ask(socket: Socket, request: string): Promise<string> {
  socket.write(request)
  const answered = once(socket, 'data').then(([chunk]) => String(chunk).slice(9, 12))
  const closed = once(socket, 'close').then(() => 'closed')
  return Promise.race([answered, closed]).catch(() => 'closed')
}

/** Each connection a fresh login; over and over, a new connection after each refusal or not. */
function logins(nameOf: (index: number, round: number) => string, count = 300): Attack {
  return async (attacked) => {
    const sockets = new Map<number, Socket>()
    await besiege(attacked, count, async (index, round) => {
      const known = sockets.get(index)
      const socket = known?.writable === true ? known : await open(attacked.port)
      if (socket === undefined) {
        attacked.note('closed')
        return
      }
      sockets.set(index, socket)
      const login = basic(nameOf(index, round))
      const answer = await ask(
        socket,
        `HEAD /x/config HTTP/1.1\r\nHost: 127.0.0.1\r\n${login}\r\n\r\n`,
      )
      attacked.note(answer)
    })
  }
}

/** Opens connections that say so much and no more, and opens them again where they were closed. */
function hold(count: number, said: string): Attack {
  return async (attacked) => {
    await besiege(attacked, count, async () => {
      const socket = await open(attacked.port)
      if (socket === undefined) {
        attacked.note('closed')
        return
      }
      socket.write(said)
      await Promise.race([once(socket, 'close'), delay(attacked.leftMs())]).catch(
        () => undefined,
      )
      attacked.note(socket.destroyed ? 'closed' : 'held')
      socket.destroy()
    })
  }
}

interface Asking {
  readonly method: string
  readonly path: string
  readonly headers?: readonly string[]
  readonly body?: string
}

/** Requests of one who has logged in, one after another on each of so many connections; `first` of them all before. */
function asking(
  askingOf: (index: number, round: number) => Asking,
  { first = [], count = 20 }: { first?: readonly Asking[]; count?: number } = {},
): Attack {
  return async (attacked) => {
    const { login = 'x:x', port, note } = attacked
    const sockets = new Map<number, Socket>()
    const send = async (index: number, asking: Asking): Promise<void> => {
      const { method, path, headers = [], body = '' } = asking
      const known = sockets.get(index)
      const socket = known?.writable === true ? known : await open(port)
      if (socket === undefined) {
        note('closed')
        return
      }
      sockets.set(index, socket)
      const length = `Content-Length: ${Buffer.byteLength(body)}`
      const head = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', basic(login), ...headers]
      note(await ask(socket, `${[...head, length].join('\r\n')}\r\n\r\n${body}`))
    }
    for (const each of first) await send(0, each)
    await besiege(attacked, count, async (index, round) => send(index, askingOf(index, round)))
  }
}

const repository: readonly Asking[] = [
  { method: 'POST', path: '/mallory/?create=true' },
  { method: 'POST', path: '/mallory/config', body: 'config' },
]

function lockOf(index: number, round: number, tag = ''): Asking {
  const body = `lock ${process.pid} ${index} ${round}`
  const digest = createHash('sha256').update(body).digest('hex')
  return { method: 'POST', path: `${tag}/mallory/locks/${digest}`, body }
}

const lockInfo =
  '<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>' +
  '<locktype><write/></locktype></lockinfo>'

const xmlHead = (login: string): string =>
  'PROPFIND /-/dav/ HTTP/1.1\r\nHost: 127.0.0.1\r\nDepth: 0\r\n' +
  `${basic(login)}\r\nContent-Length: 1048576\r\n\r\n`

export const attacks: Readonly<Record<string, Attack>> = {
  /** What the machine itself does to the bystander. */
  none: async ({ leftMs }) => delay(leftMs()),
  'unknown names': logins((index, round) => `nobody-${index}-${round}:guess`),
  'wrong passwords of a known name': logins((index, round) => `alice:guess-${index}-${round}`),
  'half-sent requests': hold(4100, 'GET /x/config HTTP/1.1\r\nHost'),
  'silent connections': hold(4100, ''),
  'bodies without a login': hold(
    300,
    'POST /x/config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{',
  ),
  'unfinished XML': async (attacked) =>
    hold(400, xmlHead(attacked.login ?? 'x:x') + ' '.repeat(1024 * 1024 - 1))(attacked),
  'runs under many tags': asking(
    (index, round) => ({ method: 'HEAD', path: `/-/w/t${index}-${round}/mallory/config` }),
    { first: repository },
  ),
  'locks under many tags': asking(
    (index, round) => {
      const tag = `/-/w/t${index}-${round >> 1}`
      if (round % 2 === 0) return { method: 'HEAD', path: `${tag}/mallory/config` }
      return lockOf(index, round, tag)
    },
    { first: repository },
  ),
  'locks of nobody in particular': asking(
    (index, round) => {
      if (round % 2 === 1) return lockOf(index, round)
      const headers = [`Via: 1.1 proxy`]
      return { method: 'HEAD', path: '/mallory/config', headers }
    },
    { first: repository },
  ),
  'large locks': asking(
    (index, round) => {
      const body = `${index} ${round} `.padEnd(8 * 2 ** 20, 'x')
      const digest = createHash('sha256').update(body).digest('hex')
      return { method: 'POST', path: `/mallory/locks/${digest}`, body }
    },
    { first: repository, count: 2 },
  ),
  'many repositories': asking((index, round) => {
    return { method: 'POST', path: `/mallory-${index}-${round}/?create=true` }
  }),
  'WebDAV locks': asking((index, round) => ({
    method: 'LOCK',
    path: `/-/dav/mallory-${index}-${round}.txt`,
    headers: ['Timeout: Second-3600', 'Content-Type: application/xml'],
    body: lockInfo,
  })),
  'TLS handshakes': async (attacked) =>
    besiege(attacked, 300, async () => {
      const beneath = await open(attacked.port)
      if (beneath === undefined) {
        attacked.note('closed')
        return
      }
      const socket = connectTls({ socket: beneath, rejectUnauthorized: false })
      socket.on('error', () => undefined)
      const outcome = await Promise.race([
        once(socket, 'secureConnect').then(() => 'shaken'),
        once(socket, 'close').then(() => 'closed'),
      ]).catch(() => 'closed')
      attacked.note(outcome)
      socket.destroy()
    }),
}
