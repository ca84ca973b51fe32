/** Every set-up of the measure, by name. */
import type { SetUp } from '../set-up.js'
import { pruning } from './pruning.js'
import { reading } from './reading.js'
import { restarting } from './restarting.js'
import { silent } from './silent.js'
import { together } from './together.js'

export const setUps: readonly SetUp[] = [
  ...together,
  ...reading,
  ...restarting,
  ...silent,
  ...pruning,
]
