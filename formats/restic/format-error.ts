/** Says what is wrong with bytes that should be restic's. */

export type FormatErrorCode =
  /** Not what the format says, or not what its MAC, hash or length says. */
  | 'damaged'
  /** It claims more than this reader takes. */
  | 'too-large'
  /** No key of the repository opens with the password. */
  | 'wrong-password'
  /** What should be there is not. */
  | 'missing'
  /** A version or a method that this reader does not have. */
  | 'unsupported'

export class FormatError extends Error {
  override readonly name = 'FormatError'
  readonly code: FormatErrorCode

  constructor(code: FormatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function damaged(message: string): FormatError {
  return new FormatError('damaged', message)
}
