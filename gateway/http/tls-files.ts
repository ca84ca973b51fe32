/** Knows the files of a listener's TLS, and when they have changed. */
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { TlsFilesSettings } from '../../config/listener-settings.js'
import type { TlsSettings } from './node-server.js'

export class TlsFiles {
  readonly #settings: TlsFilesSettings
  #version = ''
  #complained = ''

  constructor(settings: TlsFilesSettings) {
    this.#settings = settings
  }

  /** Rejects where a file cannot be read, or key and certificate do not belong together. */
  async read(): Promise<TlsSettings> {
    const version = await this.#currentVersion()
    const { certificateFile, keyFile, clientCaFile, versionMin, http2 } = this.#settings
    const certificate = await readFile(certificateFile)
    const key = await readFile(keyFile)
    const clientCa = clientCaFile && (await readFile(clientCaFile))
    const found: TlsSettings = {
      certificate,
      key,
      ...(clientCa ? { clientCa } : {}),
      versionMin: `TLSv${versionMin}`,
      http2,
    }
    createSecureContext({ cert: certificate, key, ...(clientCa ? { ca: clientCa } : {}) })
    this.#version = version
    return found
  }

  /**
   * What the files hold now, if they have changed since they were last read. Rejects while they cannot be used: then what
   * was read before stays in force, and the same trouble is told once.
   */
  async readIfChanged(): Promise<TlsSettings | undefined> {
    const version = await this.#currentVersion()
    if (version === this.#version || version === this.#complained) return undefined
    this.#complained = version
    const found = await this.read()
    this.#complained = ''
    return found
  }

  async #currentVersion(): Promise<string> {
    const { certificateFile, keyFile, clientCaFile } = this.#settings
    const files = [certificateFile, keyFile, ...(clientCaFile ? [clientCaFile] : [])]
    const stats = await Promise.all(files.map((file) => stat(file)))
    return stats
      .map(({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs].join(' '))
      .join(';')
  }
}
