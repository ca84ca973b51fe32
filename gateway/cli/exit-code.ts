/** Knows the exit codes of all commands, and the errors that carry one. */

export const exitCodes = {
  ok: 0,
  /** The answer is no: not found, refused, tampered with, or done only in part. */
  no: 1,
  /** Flags, arguments or variables cannot be used as they are written. */
  usage: 2,
  /** The gateway, its folder or its state cannot be had. */
  unavailable: 3,
  /** A bug stopped the program. */
  bug: 70,
} as const

export const exitCodesHelp = `
Exit codes:
  0   done, and the answer is yes
  1   the answer is no: not found, refused, tampered with, or done only in part
  2   flags, arguments or variables cannot be used as they are written
  3   the gateway, its folder or its state cannot be had
  70  a bug stopped the program`

/** A command cannot go on; the message is all that the user needs. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
