/** Knows how AVA is told that a test cannot run here. */
import test, { type ImplementationFn } from 'ava'
import { findClient, type ClientName } from './clients.js'

type Declare = (title: string, implementation: ImplementationFn<[]>) => void

/** AVA's `test`, serial, or its visible skip where one of the clients is missing (a failure in CI). */
export const testWith = (...names: readonly ClientName[]): Declare =>
  names.every((name) => findClient(name) !== undefined) ? test.serial : test.serial.skip
