/** What follows from a value: at once where it is there, else when it is. Nearly all of discovery is in memory, and each wait costs. */
export function whenReady<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
