/** Knows what a soak is asked for; scripts/soak.mjs hands it over as JSON. */

export interface SoakSettings {
  readonly minutes: number
  readonly clients: number
  readonly seed: number
  readonly isJson: boolean
}

export const parseSettings = (text = ''): SoakSettings => JSON.parse(text) as SoakSettings
