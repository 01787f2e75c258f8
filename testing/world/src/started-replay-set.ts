import { memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { startedClock } from './started-clock.js'

/**
 * A replay set of a server that has been up for long: what one refuses just after a start has tests of its own.
 * @param now Unix seconds; default the system clock
 */
export function startedReplaySet(now?: () => number): ReplaySet {
  return memoryReplaySet({ now: startedClock(now) })
}
