/**
 * Decides what a terminal is shown of text that clients chose: what is not printable is written as `\u202e`, so that no name
 * can move the cursor, turn lines round or hide. JSON means the same by it.
 */

/** Of one line, as a name or a cell of a table. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped)
}

/** Of whole texts: their lines stay. */
export function printableLines(text: string): string {
  return text.replace(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, escaped)
}

function escaped(character: string): string {
  return [...character.split('')]
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
