/** Knows how long a client has to idle until its connections are gone: restic closes them after 90 s. */
export const IDLE_MS = 130_000
