/** Knows how what a check has found is told. */

/** problem: a gateway would not start, or would not do what it is for. advice: nothing is wrong here. */
export type Level = 'ok' | 'advice' | 'warning' | 'problem'

export interface Finding {
  /** What was looked at; the same word in text and JSON. */
  readonly check: string
  readonly level: Level
  /** One sentence; where something is to be done, it says what. */
  readonly text: string
}

export type Check = () => Promise<readonly Finding[]> | readonly Finding[]

/** A check that cannot be made is a finding too. */
export async function made(name: string, check: Check): Promise<readonly Finding[]> {
  try {
    return await check()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [{ check: name, level: 'problem', text: why }]
  }
}
