/** Knows what is to happen to exchanges still to come: held, or lost. Each rule serves one exchange. */
import { matches, type Exchange, type Pattern } from './exchange.js'
import { openPromise } from './wait.js'

/** A place on the line where the first matching exchange is kept until it is released. */
export interface Gate {
  readonly reached: Promise<Exchange>
  readonly release: () => void
}

type Place = 'request' | 'reply'
type Fate = 'pass' | 'lose'

interface Rule {
  readonly place: Place
  readonly pattern: Pattern
  readonly act: (exchange: Exchange) => Promise<Fate>
}

export class Rules {
  #rules: readonly Rule[] = []

  hold(pattern: Pattern, place: Place): Gate {
    const { promise: released, resolve: release } = openPromise<Fate>()
    const reached = this.#add(place, pattern, () => released)
    return { reached, release: () => release('pass') }
  }

  lose(pattern: Pattern): Promise<Exchange> {
    return this.#add('reply', pattern, async () => 'lose')
  }

  /**
   * Resolves when the exchange may go on, with whether it is to be passed on. A knock is passed on untouched: what is
   * asked again, elsewhere, is what a rule waits for.
   */
  async apply(place: Place, exchange: Exchange): Promise<Fate> {
    if (exchange.answer?.status === 503) return 'pass'
    const rule = this.#rules.find(
      (one) => one.place === place && matches(one.pattern, exchange),
    )
    if (rule === undefined) return 'pass'
    this.#rules = this.#rules.filter((one) => one !== rule)
    return rule.act(exchange)
  }

  #add(place: Place, pattern: Pattern, fate: () => Promise<Fate>): Promise<Exchange> {
    const { promise: reached, resolve } = openPromise<Exchange>()
    const act = (exchange: Exchange): Promise<Fate> => {
      resolve(exchange)
      return fate()
    }
    this.#rules = [...this.#rules, { place, pattern, act }]
    return reached
  }
}
