/** Knows what a writer tag may look like, and what is said of one that does not. */

/** Unreserved characters of an address, which no client and no proxy spells in two ways (RFC 3986, section 2.3). */
export const tagPattern = /^[A-Za-z0-9._~-]{1,64}$/

/** Told with 403: restic tries again for minutes what was answered 400 (RESTIC.md), and this address never works. */
export const wrongTag = {
  status: 403,
  sentence:
    'A writer tag has 1 to 64 of the characters A-Z a-z 0-9 . _ ~ and -; put a fresh one into the address for each run.',
} as const
