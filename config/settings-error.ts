/** Knows how a user is told what is wrong with settings; nothing else of them is needed for that. */

/** What the user wrote cannot be used; each problem is a sentence. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
