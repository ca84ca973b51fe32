/** Knows how to run real proxies before a gateway, with the files that the documents tell operators to copy. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Child } from './child.js'
import { clientPath, librariesOf, projectRoot } from './clients.js'
import { freePort } from './service.js'
import { eventually } from './wait.js'
import type { World } from './world.js'

export type ProxyKind = 'nginx' | 'nginx-http1' | 'haproxy' | 'caddy'

interface Ports {
  /** Where the proxy listens, and where the gateway does. */
  readonly own: number
  readonly gateway: number
}

export const tlsFixture = (name: string): string =>
  join(projectRoot, 'test', 'fixtures', 'tls', name)

/** Go's own variable: restic before 0.17 has no other than a flag. */
export const trustingOurs = { SSL_CERT_FILE: tlsFixture('ca.pem') } as const

const exampleOf = (name: string): Promise<string> =>
  readFile(join(projectRoot, 'config', name), 'utf8')

/** Fails where the example has not what is to be replaced. */
const replaced = (text: string, pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs).reduce((before, [wanted, given]) => {
    if (!before.includes(wanted)) throw new Error(`no "${wanted}" in the example`)
    return before.replace(wanted, given)
  }, text)

const nginx = async (folder: string, ports: Ports, isHttp1 = false): Promise<string[]> => {
  const server = replaced(await exampleOf('nginx.example.conf'), {
    'listen 443 ssl http2;': `listen 127.0.0.1:${ports.own} ssl${isHttp1 ? '' : ' http2'};`,
    '/etc/nginx/backup.pem': tlsFixture('server.pem'),
    '/etc/nginx/backup.key': tlsFixture('server.key'),
    'server 127.0.0.1:8000;': `server 127.0.0.1:${ports.gateway};`,
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const around = [
    ...['daemon off;', 'master_process off;', `pid ${folder}/nginx.pid;`, 'events {}'],
    ...['http {', 'access_log off;'],
    ...temporary.map((name) => `${name}_temp_path ${folder}/${name};`),
    ...[server, '}'],
  ]
  const file = join(folder, 'nginx.conf')
  await writeFile(file, around.join('\n'))
  return ['-p', folder, '-e', 'stderr', '-c', file]
}

const haproxy = async (folder: string, ports: Ports): Promise<string[]> => {
  const file = join(folder, 'haproxy.cfg')
  const text = replaced(await exampleOf('haproxy.example.cfg'), {
    'bind :8080': `bind 127.0.0.1:${ports.own}`,
    'lockkeeper 127.0.0.1:8000': `lockkeeper 127.0.0.1:${ports.gateway}`,
  })
  await writeFile(file, text)
  return ['-db', '-f', file]
}

const caddy = async (folder: string, ports: Ports): Promise<string[]> => {
  const file = join(folder, 'Caddyfile')
  const text = replaced(await exampleOf('Caddyfile.example'), {
    'backup.example.org {': `http://127.0.0.1:${ports.own} {`,
    'reverse_proxy 127.0.0.1:8000': `reverse_proxy 127.0.0.1:${ports.gateway}`,
  })
  await writeFile(file, `{\n\tadmin off\n}\n${text}`)
  return ['run', '--adapter', 'caddyfile', '--config', file]
}

const starters = {
  nginx,
  'nginx-http1': (folder: string, ports: Ports) => nginx(folder, ports, true),
  haproxy,
  caddy,
} satisfies Record<ProxyKind, unknown>

export const programOf = (kind: ProxyKind): 'nginx' | 'haproxy' | 'caddy' =>
  kind === 'nginx-http1' ? 'nginx' : kind

export interface Proxy {
  /** With a slash at its end. */
  readonly url: string
}

/** Resolves when it lets clients in; it ends with the test. */
export const startProxy = async (
  t: Pick<ExecutionContext, 'teardown'>,
  world: World,
  kind: ProxyKind,
  gatewayPort: number,
): Promise<Proxy> => {
  const own = await freePort()
  const folder = world.path(kind)
  await mkdir(folder)
  const args = await starters[kind](folder, { own, gateway: gatewayPort })
  const program = clientPath(programOf(kind))
  const env = { ...world.environment(), LD_LIBRARY_PATH: librariesOf(programOf(kind)) }
  const child = new Child(program, args, { env })
  t.teardown(() => child.kill())
  await eventually(
    () => `${kind}, which said:\n${child.output}`,
    async () => {
      if (child.isOver) throw new Error(`${kind} ended:\n${child.output}`)
      const socket = connect(own, '127.0.0.1')
      const isOpen = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      return isOpen
    },
  )
  const origin =
    programOf(kind) === 'nginx' ? `https://localhost:${own}` : `http://127.0.0.1:${own}`
  return { url: `rest:${origin}/` }
}
