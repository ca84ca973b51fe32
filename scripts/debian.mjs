/**
 * Knows apt: fetches packages of Debian releases with a configuration of its own, derived from the
 * machine's sources. Nothing of the machine's package state is read or written; signatures are checked as ever.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const RELEASES = ['bookworm', 'trixie', 'sid']

/** Stanzas of a deb822 file as maps of lower-case field names; a continued field keeps its lines. */
const parseDeb822 = (text) =>
  text
    .replace(/^#.*\n?/gm, '')
    .split(/\n\s*\n/)
    .filter((stanza) => stanza.trim() !== '')
    .map((stanza) => {
      const fields = stanza.matchAll(/^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)
      return Object.fromEntries(
        [...fields].map(([, name, value]) => [name.toLowerCase(), value]),
      )
    })

/** One-line entries (`deb [signed-by=…] uri suite components…`) in the shape of deb822 stanzas. */
const parseOneLine = (text) =>
  [...text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#\n]+)/gm)].map(
    ([, options = '', uris, suites, components]) => {
      const signedBy = /signed-by=(\S+)/.exec(options)?.[1]?.replaceAll(',', ' ')
      return {
        types: 'deb',
        uris,
        suites,
        components,
        ...(signedBy && { 'signed-by': signedBy }),
      }
    },
  )

const machineSources = async (folder = '/etc/apt') => {
  const parts = join(folder, 'sources.list.d')
  const names = (await readdir(parts).catch(() => [])).map((name) => join(parts, name))
  const stanzas = []
  for (const name of [join(folder, 'sources.list'), ...names]) {
    const parse = { sources: parseDeb822, list: parseOneLine }[name.split('.').pop()]
    if (parse) stanzas.push(...parse(await readFile(name, 'utf8').catch(() => '')))
  }
  return stanzas
}

const words = (field = '') => field.split(/\s+/).filter(Boolean)

/** The stanza that serves the main part of one of the releases here: its mirrors and keys serve the other too. */
const mirrorStanza = (stanzas) =>
  RELEASES.map((release) =>
    stanzas.find(
      (stanza) =>
        words(stanza.types).includes('deb') &&
        words(stanza.suites).includes(release) &&
        words(stanza.components).includes('main') &&
        stanza.enabled?.trim().toLowerCase() !== 'no',
    ),
  ).find(Boolean)

const configuration = (folder) => `
Dir::State "${folder}/state";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Dir::Etc::sourcelist "${folder}/mirrors.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`

/** Apt's complaints, without its progress. */
const complaint = (error) =>
  String(error.stderr || error.message)
    .split('\n')
    .filter((line) => /^[EW]:/.test(line))
    .join(' ') || String(error.message)

/**
 * A private apt with up-to-date lists of the releases. Throws an error that says why where the machine cannot offer one.
 * `unpack(['restic', 'zlib1g'], 'trixie', into)` brings that release's packages into the folder; `fetch`, with the
 * same first words, has them here before. Apt takes seconds to read its lists, so many at once are had far sooner.
 * `close` removes all traces.
 */
export const openApt = async (releases) => {
  for (const tool of ['apt-get', 'dpkg'])
    await run(tool, ['--version']).catch(() => {
      throw new Error(`${tool} is not to be had on this machine`)
    })
  const stanza = mirrorStanza(await machineSources())
  if (!stanza)
    throw new Error(`no apt source of this machine serves Debian ${RELEASES.join(' or ')}`)

  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-apt-'))
  await chmod(folder, 0o755)
  const close = () => rm(folder, { recursive: true, force: true })
  const apt = (args, options) =>
    run('apt-get', ['-c', join(folder, 'apt.conf'), '-qq', ...args], {
      maxBuffer: 2 ** 26,
      ...options,
    })
  try {
    await mkdir(join(folder, 'state', 'lists', 'partial'), { recursive: true })
    await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
    await writeFile(join(folder, 'status'), '')
    await writeFile(join(folder, 'apt.conf'), configuration(folder))
    const keys = stanza['signed-by'] ? `Signed-By: ${stanza['signed-by']}\n` : ''
    await writeFile(
      join(folder, 'mirrors.sources'),
      `Types: deb\nURIs: ${stanza.uris}\nSuites: ${releases.join(' ')}\nComponents: main\nTargets: Packages\n${keys}`,
    )
    await apt(['update', '-o', 'APT::Update::Error-Mode=any'])
  } catch (error) {
    await close()
    throw new Error(complaint(error), { cause: error })
  }

  /** The file of each `name/release`. */
  const files = new Map()
  const fetch = async (names, release) => {
    const wanted = names.map((name) => `${name}/${release}`).filter((one) => !files.has(one))
    if (wanted.length === 0) return
    try {
      const packages = await mkdtemp(join(folder, 'packages-'))
      await chmod(packages, 0o777)
      await apt(['download', ...new Set(wanted)], { cwd: packages })
      for (const file of await readdir(packages))
        files.set(`${file.slice(0, file.indexOf('_'))}/${release}`, join(packages, file))
    } catch (error) {
      throw new Error(complaint(error), { cause: error })
    }
  }
  const unpack = async (names, release, into) => {
    await fetch(names, release)
    for (const name of names) await run('dpkg', ['-x', files.get(`${name}/${release}`), into])
  }
  return { fetch, unpack, close }
}
