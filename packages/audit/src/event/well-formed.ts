/** A text with bytes of its own: half of a surrogate pair, which has none, becomes U+FFFD. */
export function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? Buffer.from(text).toString() : text
}
