/** Knows how lengths of time are written: `30m`, `14d`, `1h 30m`. */
import ms, { type StringValue } from 'ms'

const part = '\\d{1,12}(?:\\.\\d{1,12})?\\s?(?:ms|[smhdwy])'
const wholePattern = new RegExp(`^(?:${part}\\s?)+$`)
const partPattern = new RegExp(part, 'g')

/** Milliseconds, or undefined where it is no length of time. A bare number has no unit and is none. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim()
  if (trimmed.length > 100 || !wholePattern.test(trimmed)) return undefined
  const parts = trimmed.match(partPattern) ?? []
  return Math.round(parts.reduce((sum, each) => sum + ms(each as StringValue), 0))
}

/** In the largest unit that says it exactly. */
export function formatDuration(milliseconds: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const
  const exact = units.find(([, unit]) => milliseconds > 0 && milliseconds % unit === 0)
  return exact === undefined ? `${milliseconds}ms` : `${milliseconds / exact[1]}${exact[0]}`
}
