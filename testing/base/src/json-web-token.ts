/** The header (0) or payload (1) of a compact JWS, unverified. */
export function part(token: unknown, index: 0 | 1): Record<string, unknown> {
  return objectOf(JSON.parse(Buffer.from(String(token).split('.')[index] ?? '', 'base64url').toString('utf8')))
}

/** The value as an object. Throws when it is none. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error('not an object')
  return Object.fromEntries(Object.entries(value))
}
