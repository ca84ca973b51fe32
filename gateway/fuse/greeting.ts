/** Decides whether a mount would have anything to show: a gateway that answers, and the folder of it that is asked for. */
import { headersFor, repositoriesPath, type GatewayAddress } from './gateway-address.js'
import { MountError } from './mount-error.js'

const answerMs = 10_000
const namesMax = 10

/** Throws a MountError that says what is wrong with the address. `basis` are the folders in it. */
export async function greetGateway(
  address: GatewayAddress,
  basis: readonly string[],
): Promise<void> {
  const answer = await ask(address)
  const told = await answer.text()
  if (answer.status !== 200) throw new MountError(refusalOf(address, answer.status, told))
  const repositories = listIn(told)
  if (repositories === undefined) throw new MountError(refusalOf(address, 200, told))
  const wanted = basis.join('/')
  const isThere = repositories.some((one) => one === wanted || one.startsWith(`${wanted}/`))
  if (basis.length === 0 || isThere) return
  throw new MountError(
    `there is no repository "${wanted}" at ${address.origin}, ${namesOf(repositories)}; ` +
      `to make one, mount ${address.origin}/ and run "restic init" in a folder of the mount`,
  )
}

async function ask(address: GatewayAddress): Promise<Response> {
  try {
    return await fetch(`${address.origin}${repositoriesPath}`, {
      headers: headersFor(address),
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
  } catch (error) {
    const why = reasonOf(error)
    throw new MountError(`no gateway answers at ${address.origin}: ${why}`, { cause: error })
  }
}

/** What fetch itself throws says only that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error && cause.message !== '') return cause.message
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  return error.name === 'TimeoutError' ? `nothing within ${answerMs / 1000} s` : error.message
}

function refusalOf({ origin }: GatewayAddress, status: number, told: string): string {
  if (status === 401) {
    const place = origin.replace('://', '://USER:PASSWORD@')
    return `the gateway at ${origin} asks for a user and a password that it knows; put them into the address: ${place}/`
  }
  if (status === 403 || status >= 500) {
    return `the gateway at ${origin} answers ${status}: ${printable(told)}`
  }
  return `what answers at ${origin} is no Lockkeeper gateway (status ${status} for ${repositoriesPath})`
}

function listIn(body: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(body)
    return Array.isArray(list) ? list.map(String) : undefined
  } catch {
    return undefined
  }
}

function namesOf(repositories: readonly string[]): string {
  if (repositories.length === 0) return 'nor any other'
  const others = repositories.length - namesMax
  const more = others > 0 ? ` and ${others} more` : ''
  return `there are: ${printable(repositories.slice(0, namesMax).join(', '))}${more}`
}

/** Somebody else chose the words, and a terminal would do what they say. */
function printable(text: string): string {
  return text.trim().slice(0, 300).replace(/\p{C}/gu, '?')
}
