/** Runs one act after the other, whether or not the ones before succeeded. */
export function inTurns(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return act => {
    const next = last.then(act)
    last = next.catch(() => undefined)
    return next
  }
}
