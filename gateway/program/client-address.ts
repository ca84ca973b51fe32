/** Knows at which address a client of this machine reaches a listener, where that can be told from its settings. */
import type { OpenListener } from './listener.js'

type Triable = OpenListener & { readonly url: string }

/** What stands behind a proxy or asks for a certificate is reached in a way that is not known here. */
export function isTriable(listener: OpenListener): listener is Triable {
  return listener.url !== undefined && ['nobody', 'password'].includes(listener.asks)
}

/** Without a slash at its end; USER and PASSWORD stand where a password is asked for. */
export function clientAddress({ url, asks }: Triable): string {
  // Every address of this machine is meant, of which this one can be tried here.
  const reachable = url.replace(/:\/\/(0\.0\.0\.0|\[::\]):/, '://localhost:').replace(/\/$/, '')
  return asks === 'password' ? reachable.replace('://', '://USER:PASSWORD@') : reachable
}
