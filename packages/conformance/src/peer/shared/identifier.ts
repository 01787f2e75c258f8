/** Whether a host is one of the machine itself, which development mode allows. @see protocol §2 */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

/** Whether a value is an identifier in its one spelling, in development mode. @see protocol §2 */
export function isIdentifier(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { origin, protocol, hostname } = new URL(value)
  if (origin !== value) return false
  if (protocol === 'http:') return isLoopback(hostname)
  if (isLoopback(hostname)) return protocol === 'https:'
  return (
    protocol === 'https:' && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(hostname)
  )
}

/** Whether a value is an id: of a user, of a delegate, or of a token. @see protocol §11 */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string' || value.trim() === '') return false
  if (/[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(value)) return false
  return Buffer.byteLength(value) <= 512
}

/** The words of a scope, or of purposes: each once, set apart by single spaces; undefined where it has another form. */
export function wordsOf(value: unknown, longest: number = Number.POSITIVE_INFINITY): readonly string[] | undefined {
  if (typeof value !== 'string') return undefined
  const words = value.split(' ')
  if (words.length > 64 || new Set(words).size !== words.length) return undefined
  return words.every(word => /^[!#-[\]-~]+$/.test(word) && word.length <= longest) ? words : undefined
}
