/**
 * Knows the programs that the tests run: Debian packages, unpacked (not installed) below `.cache/clients/`.
 * `node scripts/clients.mjs [names…]` fetches what is missing; once all are there no network is needed.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openApt } from './debian.mjs'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../.cache/clients/', import.meta.url))

/**
 * Per client: the package, its release, the program in it, how to ask its version, and the version that is expected;
 * `with` names a package of libraries that it needs and that may not be installed.
 */
const CLIENTS = {
  'restic-0.14': {
    from: ['restic', 'bookworm'],
    program: 'restic',
    ask: 'version',
    expect: /\b0\.14\.\d+/,
  },
  'restic-0.18': {
    from: ['restic', 'trixie'],
    program: 'restic',
    ask: 'version',
    expect: /\b0\.18\.\d+/,
  },
  'restic-0.19': {
    from: ['restic', 'sid'],
    program: 'restic',
    ask: 'version',
    expect: /\b0\.19\.\d+/,
  },
  'rest-server': {
    from: ['restic-rest-server', 'trixie'],
    program: 'restic-rest-server',
    ask: '--version',
    expect: /\b0\.13\.\d+/,
  },
  rclone: {
    from: ['rclone', 'bookworm'],
    program: 'rclone',
    ask: 'version',
    expect: /1\.60\.\d+/,
  },
  strace: {
    from: ['strace', 'bookworm'],
    with: ['libunwind8'],
    program: 'strace',
    ask: '--version',
    expect: /\b6\.1\b/,
  },
  borg: {
    from: ['borgbackup', 'bookworm'],
    with: [
      ...['python3-msgpack', 'python3-packaging', 'python3-pkg-resources'],
      ...['python3.11-minimal', 'libpython3.11-minimal', 'libpython3.11-stdlib'],
      ...['libacl1', 'libb2-1', 'libexpat1', 'libffi8', 'liblz4-1', 'libssl3', 'libxxhash0'],
      ...['libzstd1', 'zlib1g'],
    ],
    program: 'borg',
    interpreter: 'python3.11',
    ask: '--version',
    expect: /1\.2\.\d+/,
  },
  nginx: {
    from: ['nginx', 'bookworm'],
    path: join('usr', 'sbin', 'nginx'),
    ask: '-v',
    expect: /\b1\.22\.\d+/,
  },
  haproxy: {
    from: ['haproxy', 'bookworm'],
    with: ['liblua5.3-0', 'libopentracing-c-wrapper0', 'libopentracing1', 'libsystemd0'],
    path: join('usr', 'sbin', 'haproxy'),
    ask: '-v',
    expect: /\b2\.6\.\d+/,
  },
  caddy: {
    from: ['caddy', 'bookworm'],
    program: 'caddy',
    ask: 'version',
    expect: /\b2\.6\.\d+/,
  },
  /** Reads the units that operators copy. */
  'systemd-analyze': {
    from: ['systemd', 'bookworm'],
    with: [
      ...['libsystemd-shared', 'libacl1', 'libapparmor1', 'libaudit1', 'libblkid1', 'libcap2'],
      ...['libcap-ng0', 'libcrypt1', 'libgcrypt20', 'libgpg-error0', 'libip4tc2', 'libkmod2'],
      ...['liblz4-1', 'liblzma5', 'libmount1', 'libpam0g', 'libpcre2-8-0', 'libseccomp2'],
      ...['libselinux1', 'libssl3', 'libzstd1'],
    ],
    program: 'systemd-analyze',
    ask: '--version',
    expect: /\b252\b/,
  },
  prometheus: {
    from: ['prometheus', 'bookworm'],
    program: 'prometheus',
    ask: '--version',
    expect: /\b2\.42\.\d+/,
  },
  promtool: {
    from: ['prometheus', 'bookworm'],
    program: 'promtool',
    ask: '--version',
    expect: /\b2\.42\.\d+/,
  },
  /** Looks at the operators' pages. */
  chromium: {
    from: ['chromium', 'bookworm'],
    with: [
      'chromium-common',
      ...['libasound2', 'libasyncns0', 'libatk-bridge2.0-0', 'libatk1.0-0', 'libatspi2.0-0'],
      ...['libavahi-client3', 'libavahi-common3', 'libblkid1', 'libbrotli1', 'libbsd0'],
      ...['libcairo2', 'libcap2', 'libcom-err2', 'libcups2', 'libdatrie1'],
      ...['libdav1d6', 'libdbus-1-3', 'libdouble-conversion3', 'libdrm2', 'libexpat1'],
      ...['libffi8', 'libflac12', 'libfontconfig1', 'libfreetype6', 'libfribidi0'],
      ...['libgbm1', 'libgcrypt20', 'libglib2.0-0', 'libgmp10', 'libgnutls30'],
      ...[
        'libgpg-error0',
        'libgraphite2-3',
        'libgssapi-krb5-2',
        'libharfbuzz-subset0',
        'libharfbuzz0b',
      ],
      ...['libhogweed6', 'libidn2-0', 'libjpeg62-turbo', 'libk5crypto3', 'libkeyutils1'],
      ...['libkrb5-3', 'libkrb5support0', 'liblcms2-2', 'liblz4-1', 'liblzma5'],
      ...['libmd0', 'libminizip1', 'libmount1', 'libmp3lame0', 'libmpg123-0'],
      ...['libnspr4', 'libnss3', 'libogg0', 'libopenh264-7', 'libopenjp2-7'],
      ...['libopus0', 'libpulse0', 'libsndfile1', 'libsystemd0', 'libvorbis0a'],
      ...['libvorbisenc2', 'libx11-6', 'libx11-xcb1', 'libxau6', 'libxcb1'],
      ...['libxdmcp6', 'libxnvctrl0', 'libzstd1'],
    ],
    path: join('usr', 'lib', 'chromium', 'chromium'),
    ask: '--version',
    expect: /\b1\d\d\.\d+\.\d+/,
  },
  /** What lets rclone mount, to be measured beside. */
  fusermount: {
    from: ['fuse3', 'bookworm'],
    path: join('bin', 'fusermount3'),
    ask: '--version',
    expect: /3\.\d+\.\d+/,
  },
}

export const CLIENT_NAMES = Object.keys(CLIENTS)

/** Written last: a client is there when its marker is, `{ path, version }` with the path below its folder. */
const MARKER = 'client.json'

const readMarker = async (name) => {
  const text = await readFile(join(cache, name, MARKER), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** The folders of unpacked libraries, as the dynamic linker takes them: `usr/lib/x86_64-linux-gnu` … */
const librariesIn = async (folder) => {
  const places = [join(folder, 'usr', 'lib'), join(folder, 'lib')]
  const found = places.map(async (place) => {
    const names = await readdir(place).catch(() => [])
    return names.flatMap((name) =>
      ['', 'systemd', 'pulseaudio'].map((own) => join(place, name, own)),
    )
  })
  return (await Promise.all(found)).flat().join(':')
}

/** A program in Python brings its own, which has to be told where it lies. */
const launcherOf = ({ program, interpreter }) => `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export PYTHONHOME="$here/usr" PYTHONPATH="$here/usr/lib/python3/dist-packages"
for folder in "$here"/usr/lib/*-linux-gnu "$here"/lib/*-linux-gnu; do
  LD_LIBRARY_PATH="$folder\${LD_LIBRARY_PATH:+:}$LD_LIBRARY_PATH"
done
export LD_LIBRARY_PATH
exec "$here/usr/bin/${interpreter}" "$here/usr/bin/${program}" "$@"
`

/** Runs the unpacked program once: a package may be fetched and still not run here. */
const versionOf = async (name, folder, path) => {
  const { ask, expect } = CLIENTS[name]
  const env = { ...process.env, LD_LIBRARY_PATH: await librariesIn(folder) }
  const { stdout, stderr } = await run(join(folder, path), [ask], { env }).catch((error) => {
    throw new Error(`does not run here: ${error.stderr || error.message}`.trim())
  })
  // nginx says it on stderr.
  const version = expect.exec(stdout + stderr)?.[0]
  if (!version) throw new Error(`unexpected version: ${stdout.split('\n')[0]}`)
  return version
}

/** Builds the client's folder aside and renames it, so that two runs at once or a broken one leave nothing half-made. */
const install = async (name, apt) => {
  const client = CLIENTS[name]
  const { from, with: others = [], program, interpreter } = client
  const folder = await mkdtemp(join(cache, 'new-'))
  try {
    await apt.unpack([from[0], ...others], from[1], folder)
    const path = client.path ?? (interpreter ? program : join('usr', 'bin', program))
    if (interpreter) await writeFile(join(folder, path), launcherOf(client), { mode: 0o755 })
    const version = await versionOf(name, folder, path)
    await writeFile(join(folder, MARKER), JSON.stringify({ path, version }))
    await rename(folder, join(cache, name)).catch(async (error) => {
      if (!(await readMarker(name))) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An apt that has the packages of all these clients here; if one of them is not to be had, each client finds out. */
const openAptFor = async (names) => {
  const clients = names.map((name) => CLIENTS[name]).filter((client) => client !== undefined)
  const releases = [...new Set(clients.map(({ from }) => from[1]))]
  const apt = await openApt(releases)
  for (const release of releases) {
    const packages = clients
      .filter(({ from }) => from[1] === release)
      .flatMap(({ from, with: others = [] }) => [from[0], ...others])
    await apt.fetch(packages, release).catch(() => undefined)
  }
  return apt
}

/**
 * Makes the named clients available, `{ name: { path, version } | { missing: reason } }`. Never throws: a machine
 * that cannot have a client says why.
 */
export const ensureClients = async (names = CLIENT_NAMES, say = () => undefined) => {
  const markers = await Promise.all(names.map(readMarker))
  const lacking = names.filter((name, at) => CLIENTS[name] && !markers[at])
  if (lacking.length > 0)
    say(`Fetching ${lacking.join(', ')} (Debian packages, unpacked into .cache/clients/) ...`)

  const result = {}
  let apt
  for (const name of names) {
    try {
      if (!CLIENTS[name]) throw new Error(`unknown; known are ${CLIENT_NAMES.join(', ')}`)
      if (lacking.includes(name)) {
        await mkdir(cache, { recursive: true })
        apt ??= openAptFor(lacking)
        await install(name, await apt)
      }
      const { path, version } = await readMarker(name)
      result[name] = { path: join(cache, name, path), version }
    } catch (error) {
      result[name] = { missing: error.message }
    }
  }
  await apt?.then(({ close }) => close()).catch(() => undefined)
  return result
}

/** One line per client, for people. */
export const describeClients = (clients) =>
  Object.entries(clients).map(([name, { path, version, missing }]) =>
    missing ? `${name}: missing (${missing})` : `${name}: ${version} at ${path}`,
  )

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2)
  const clients = await ensureClients(names.length > 0 ? names : CLIENT_NAMES, console.log)
  console.log(describeClients(clients).join('\n'))
  if (Object.values(clients).some(({ missing }) => missing)) process.exitCode = 1
}
