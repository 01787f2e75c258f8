/** Longest value that is compared; a SPIFFE ID has at most 2048 bytes. */
const longestValue = 2048

/**
 * Compiles a pattern for whole values. `*` matches one or more characters except `/` and `:`; a `**` at the very end matches one
 * or more of any characters. No wildcard matches a control character. The time is linear in the length of the value, which is
 * a stranger's until the token is verified.
 * @throws TypeError for a pattern that begins with a wildcard, or has more than 4
 */
export function claimPattern(pattern: string): (value: string) => boolean {
  if (pattern === '' || pattern.startsWith('*')) throw new TypeError('a pattern must not begin with a wildcard')
  const isOpen = pattern.endsWith('**')
  const [first = '', ...rest] = (isOpen ? pattern.slice(0, -2) : pattern).split('*')
  if (rest.length + Number(isOpen) > 4 || rest.slice(0, -1).includes('') || (isOpen && rest.at(-1) === ''))
    throw new TypeError('a pattern has at most 4 wildcards: * within a segment, ** at the very end')
  return value => {
    if (value.length > longestValue || /\p{Cc}/u.test(value) || !value.startsWith(first)) return false
    let ends: ReadonlySet<number> = new Set([first.length])
    for (const literal of rest) ends = findEnds(literal, value, ends)
    return isOpen ? [...ends].some(end => end < value.length) : ends.has(value.length)
  }
}

/** Finds where a wildcard that begins at one of `starts`, followed by a literal, may end. One pass for all starts. */
function findEnds(literal: string, value: string, starts: ReadonlySet<number>): Set<number> {
  // bound: one call
  const ends = new Set<number>()
  let isWithin = false
  for (let at = 0; at < value.length; at++) {
    const char = value[at]
    isWithin = (isWithin || starts.has(at)) && char !== '/' && char !== ':'
    if (isWithin && value.startsWith(literal, at + 1)) ends.add(at + 1 + literal.length)
  }
  return ends
}
