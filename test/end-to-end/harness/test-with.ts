/** Knows how AVA is told that a test cannot run here. */
import test, { type ImplementationFn } from 'ava'
import { findClient, type ClientName } from './clients.js'

type Declare = (title: string, implementation: ImplementationFn<[]>) => void

const hasAll = (names: readonly ClientName[]): boolean =>
  names.every((name) => findClient(name) !== undefined)

/** AVA's `test`, serial, or its visible skip where one of the clients is missing (a failure in CI). */
export const testWith = (...names: readonly ClientName[]): Declare =>
  hasAll(names) ? test.serial : test.serial.skip

/** The same, beside the file's other tests: for those that mostly wait. */
export const testBesideWith = (...names: readonly ClientName[]): Declare =>
  hasAll(names) ? test : test.skip

/** `testWith`, for what also needs a right that not every user has. */
export const testWhere = (isPossible: boolean, ...names: readonly ClientName[]): Declare =>
  isPossible ? testWith(...names) : test.serial.skip
