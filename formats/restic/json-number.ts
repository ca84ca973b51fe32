/** Finds where a number of JSON ends. */

export const zero = 0x30
const nine = 0x39

/** Of a whole number that is not negative; undefined where there is none, or it goes on as another number. */
export function endOfDigits(text: Buffer, start: number): number | undefined {
  let at = start
  while (isDigit(text[at])) at += 1
  const hasLeadingZero = text[start] === zero && at - start > 1
  return at === start || hasLeadingZero || isFraction(text[at]) ? undefined : at
}

/** Of a number of any form. */
export function endOfNumber(text: Buffer, start: number): number | undefined {
  let at = start
  while (isNumberByte(text[at])) at += 1
  const number = text.toString('latin1', start, at)
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(number) ? at : undefined
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine
}

/** `.`, `e` or `E`, with which a whole number goes on as another. */
function isFraction(byte: number | undefined): boolean {
  return byte === 0x2e || byte === 0x65 || byte === 0x45
}

function isNumberByte(byte: number | undefined): boolean {
  return isDigit(byte) || isFraction(byte) || byte === 0x2b || byte === 0x2d
}
