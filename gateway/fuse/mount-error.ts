/** Knows why there is no mount. */

/** The mount cannot be had; the message says what to do. */
export class MountError extends Error {
  override readonly name: string = 'MountError'
}

/** This system has no mounts at all, or no fuse-native: nothing that was asked for is wrong. */
export class NoMountsError extends MountError {
  override readonly name = 'NoMountsError'
}
