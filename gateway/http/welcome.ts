/** Tells a person whose browser comes to an address of a door what is here, and how programs use it. Programs never see it. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Welcome {
  readonly headers: Readonly<Record<string, string>>
  readonly page: string
}

const style =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}' +
  'pre{background:#8882;padding:.8rem;overflow-x:auto}:root{color-scheme:light dark}'
const styleHash = createHash('sha256').update(style).digest('base64')

/** A browser names HTML; restic, rclone and file managers do not. */
export function isBrowser({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && /(?:^|,)\s*text\/html\b/i.test(headers.accept ?? '')
}

/** `repository` is a path below the gateway, or empty. */
export function welcome({ headers, socket }: IncomingMessage, repository: string): Welcome {
  const { host = '' } = headers
  const isTls = 'encrypted' in socket
  // Only what can be nothing but a host: it is what somebody sent.
  const named = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : 'HOST'
  const origin = `${isTls ? 'https' : 'http'}://${named}`
  const name = repository === '' ? 'laptop' : repository
  const address = `${origin}/${name.split('/').map(encodeURIComponent).join('/')}`
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lockkeeper</title>
<style>${style}</style>
<h1>Lockkeeper</h1>
<p>This is the address of a backup gateway. It is for <a href="https://restic.net" rel="noreferrer">restic</a>, not for a
browser; nothing is wrong.</p>
<pre>restic -r rest:${escape(address)} snapshots
restic -r rest:${escape(address)} backup ~/Documents</pre>
<p>A repository that is not there yet is made by <code>restic init</code> with the same address.</p>
<p>Programs that speak WebDAV (rclone, davfs2, Explorer, Finder) read the repositories at <code>${escape(origin)}/-/dav/</code>,
unless the gateway serves none.</p>
<p>On the gateway's own machine <code>lockkeeper status</code> says who is writing, and <code>lockkeeper --help</code> the
rest. The documents are in the folder <code>docs</code> of the program.</p>
</html>
`
  return {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      vary: 'accept',
    },
    page,
  }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
