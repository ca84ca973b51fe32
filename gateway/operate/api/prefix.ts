/** Where the operator's API stands: whoever only asks it needs no more of it. */

export const prefix = '/-/api/v1'
