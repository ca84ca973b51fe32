/** Knows whether a gateway works on a disk that this process has too: then bytes need not pass through it, only decisions. */
import { lstat } from 'node:fs/promises'
import { isAt, parseFilePlace, placeHeader } from '../program/file-place.js'
import { repositoriesPath, type GatewayAddress } from './gateway-address.js'
import { Lines } from './lines.js'

/** Only a gateway on this machine that is asked on its private socket says where its folder lies. */
export async function whereItWorks(address: GatewayAddress): Promise<GatewayAddress> {
  if (address.socketPath === undefined) return address
  const lines = new Lines(address)
  try {
    const { header } = await lines.ask({ line: 'first', method: 'GET', path: repositoriesPath })
    const place = parseFilePlace(header(placeHeader) ?? '')
    const isSame = place !== undefined && isAt(place, await lstat(place.path))
    return isSame ? { ...address, isOnOwnDisk: true } : address
  } catch {
    // A gateway of another time, or in a container with folders of its own.
    return address
  } finally {
    lines.close()
  }
}
