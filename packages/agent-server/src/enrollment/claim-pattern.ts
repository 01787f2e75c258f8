/** Longest value that is compared; a SPIFFE ID has at most 2048 bytes. */
const longestValue = 2048

/**
 * Makes a matcher of whole values: `*` stands for one or more characters but `/` and `:`, a `**` at the very end for one or more of
 * any. Nothing stands for a control. The work grows with the value's length only: it is a stranger's until its token is verified.
 * @throws TypeError for a pattern that would admit what nobody named, or has more than 4 wildcards
 */
export function claimPattern(pattern: string): (value: string) => boolean {
  if (pattern === '' || pattern.startsWith('*'))
    throw new TypeError('a pattern must begin with something else than a wildcard')
  const isOpen = pattern.endsWith('**')
  const [first = '', ...rest] = (isOpen ? pattern.slice(0, -2) : pattern).split('*')
  if (rest.length + Number(isOpen) > 4 || rest.slice(0, -1).includes('') || (isOpen && rest.at(-1) === ''))
    throw new TypeError('a pattern has at most 4 wildcards: * within a segment, ** at the very end')
  return value => {
    if (value.length > longestValue || /\p{Cc}/u.test(value) || !value.startsWith(first)) return false
    let ends: ReadonlySet<number> = new Set([first.length])
    for (const literal of rest) ends = endsAfter(literal, value, ends)
    return isOpen ? [...ends].some(end => end < value.length) : ends.has(value.length)
  }
}

/** Where a wildcard that begins at one of `starts`, and a literal after it, may end: one pass for all of them together. */
function endsAfter(literal: string, value: string, starts: ReadonlySet<number>): Set<number> {
  const ends = new Set<number>()
  let isWithin = false
  for (let at = 0; at < value.length; at++) {
    const char = value[at]
    isWithin = (isWithin || starts.has(at)) && char !== '/' && char !== ':'
    if (isWithin && value.startsWith(literal, at + 1)) ends.add(at + 1 + literal.length)
  }
  return ends
}
