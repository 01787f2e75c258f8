import { AAuthError } from '../error.js'

/** Scopes that stand for claims about the user; they never stand in the `scope` of an auth token. */
export const identityScopes: readonly string[] = ['openid', 'profile', 'email', 'address', 'phone']

const maxScopes = 64
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Reads a `scope` value: names set apart by single spaces, each once, at most 64, order kept.
 * @throws AAuthError `invalid_scope`
 * @see RFC 6749 §3.3, protocol.md §11
 */
export function parseScope(text: string): string[] {
  const scopes = text.split(' ', maxScopes + 1)
  if (scopes.length > maxScopes) throw new AAuthError('invalid_scope', 'scope names more than 64 scopes')
  if (!scopes.every(scope => scopeToken.test(scope)))
    throw new AAuthError('invalid_scope', 'scope must be scope names set apart by single spaces')
  if (new Set(scopes).size !== scopes.length) throw new AAuthError('invalid_scope', 'scope names a scope twice')
  return scopes
}

/**
 * Writes a `scope` value.
 * @throws AAuthError `invalid_scope` for what {@link parseScope} would refuse, the empty set included.
 */
export function serializeScope(scopes: Iterable<string>): string {
  const text = [...scopes].join(' ')
  parseScope(text)
  return text
}

/** All of both, each once, those of the first ahead. */
export function unionScope(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])]
}

/** What is needed and not held. Names are compared exactly: no prefix, no wildcard. */
export function missingScope(have: readonly string[], need: readonly string[]): string[] {
  return need.filter(scope => !have.includes(scope))
}

/** Any of these in a token says that the scope was granted; of other scopes the claim of that name does. */
const claimsOfScope: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'picture'],
  phone: ['phone_number'],
}

/**
 * The identity scopes that a token's claims show as granted: they never stand in its `scope`. What is missing the user left
 * out, or the provider does not know.
 * @see protocol.md §5
 */
export function identityScopesIn(claims: object): string[] {
  return identityScopes.filter(scope => (claimsOfScope[scope] ?? [scope]).some(claim => Object.hasOwn(claims, claim)))
}
