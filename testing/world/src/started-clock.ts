/**
 * A clock whose first reading is long ago: what reads it at its start has been up for long.
 * @param now Unix seconds; default the system clock
 */
export function startedClock(now: () => number = () => Date.now() / 1000): () => number {
  let hasStarted = false
  return () => {
    if (hasStarted) return now()
    hasStarted = true
    return now() - 1000
  }
}
