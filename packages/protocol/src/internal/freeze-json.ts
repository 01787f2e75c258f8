/**
 * Freezes a JSON value, with all values in it, and returns it. For cached values: a change by one caller would reach the next.
 */
export function freezeJson<T>(value: T): T {
  // The parser of JSON limits its depth, and so the recursion.
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freezeJson(member)
    Object.freeze(value)
  }
  return value
}
