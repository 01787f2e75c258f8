/** Whether two scopes have the same words, each once, in whatever order. */
export function isSameScope(one: unknown, other: string): boolean {
  if (typeof one !== 'string') return false
  const [words, others] = [one.split(' '), new Set(other.split(' '))]
  return words.length === others.size && new Set(words).size === words.length && words.every(word => others.has(word))
}
