/** Knows how many records that no living view leans on are sealed: a command says so without loading what seals them. */

/** Read in about a second at the next start, and 11 MB of the journal's file. */
export const recordsBeforeSealing = 50_000
