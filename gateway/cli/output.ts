/** Knows how answers are written to stdout: as JSON for programs, as columns for people. */
import { once } from 'node:events'
import { printable, printableLines } from '../program/printable.js'

/** Waits for a slow reader; one that has gone is no error. */
export async function print(raw: string): Promise<void> {
  const text = printableLines(raw)
  if (process.stdout.destroyed || process.stdout.errored !== null) return
  if (process.stdout.write(text)) return
  // How the output may fail is the program's to say, once; here it only ends the waiting.
  const ended = [once(process.stdout, 'drain'), once(process.stdout, 'close')]
  await Promise.race(ended).catch(() => undefined)
}

export async function printJson(value: unknown): Promise<void> {
  await print(`${JSON.stringify(value, undefined, 2)}\n`)
}

/** Columns as wide as they must be; the last one is never filled up. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(printable))
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** Local time, to the second. */
export function localTime(iso: string): string {
  const date = new Date(iso)
  const pad = (part: number): string => String(part).padStart(2, '0')
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}
