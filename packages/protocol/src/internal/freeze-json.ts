/**
 * Freezes a JSON value with all that is in it, and returns it. For what is cached and handed out again: a change by one reader would
 * show in the next reader's copy.
 */
export function freezeJson<T>(value: T): T {
  // A reader of JSON bounds its depth, so that the recursion is bounded, too.
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freezeJson(member)
    Object.freeze(value)
  }
  return value
}
