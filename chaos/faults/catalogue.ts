import type { Random } from '../random.js'
import { clockFaults } from './clocks.js'
import type { Fault } from './fault.js'
import { networkFaults } from './network.js'
import { postgresFaults } from './postgres.js'
import { processFaults } from './processes.js'
import { redisFaults } from './redis.js'

/** Every fault, by what it is of. */
export const catalogue: readonly Fault[] = [
  ...processFaults,
  ...postgresFaults,
  ...redisFaults,
  ...networkFaults,
  ...clockFaults,
]

/** The faults of these names. Throws for a name that is none. */
export function faultsNamed(names: readonly string[]): Fault[] {
  return names.map(name => {
    const found = catalogue.find(fault => fault.name === name)
    if (found === undefined) throw new RangeError(`there is no fault ${name}: --list names them`)
    return found
  })
}

/**
 * Rounds of faults without end: each alone, in an order by seed, and then pairs by seed. Each third pair is of a clock that is set and
 * of a Redis that loses what it knew, since one of these alone shows little: what begins anew is marked by a clock.
 */
export function* roundsOf(faults: readonly Fault[], random: Random): Generator<readonly Fault[]> {
  for (const fault of random.shuffled(faults)) yield [fault]
  const those = (of: Fault['of']): readonly Fault[] => faults.filter(fault => fault.of === of)
  const [clocks, losses] = [those('clock'), those('loss')]
  for (let round = 0; ; round++) {
    const isMarked = round % 3 === 0 && clocks.length > 0 && losses.length > 0
    const first = random.one(isMarked ? clocks : faults)
    const others = (isMarked ? losses : faults).filter(({ takes }) => !takes.some(one => first.takes.includes(one)))
    if (others.length === 0) yield [first]
    else yield [first, random.one(others)]
  }
}
