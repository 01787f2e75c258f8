/** Returns true once every so many seconds, and at the first call. */
export function atMostEvery(seconds: number, now: () => number): () => boolean {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    // Also when the clock went back.
    if (Math.abs(now() - last) < seconds) return false
    last = now()
    return true
  }
}
