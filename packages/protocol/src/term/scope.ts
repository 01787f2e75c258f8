import { refusal } from '../error.js'

/** Scopes that ask for claims about the user; the `scope` of an auth token never has them. */
export const identityScopes: readonly string[] = ['openid', 'profile', 'email', 'address', 'phone']

const maxScopes = 64
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Reads a `scope` value: at most 64 names separated by single spaces, each once. The order is kept.
 * @throws AAuthError `invalid_scope`
 * @see RFC 6749 §3.3, protocol §11
 */
export function parseScope(text: string): string[] {
  const scopes = text.split(' ', maxScopes + 1)
  if (scopes.length > maxScopes) throw refusal('scope_malformed')
  if (!scopes.every(scope => scopeToken.test(scope))) throw refusal('scope_malformed')
  if (new Set(scopes).size !== scopes.length) throw refusal('scope_malformed')
  return scopes
}

/**
 * Writes a `scope` value.
 * @throws AAuthError `invalid_scope` for a value that {@link parseScope} would refuse, also for an empty one.
 */
export function serializeScope(scopes: Iterable<string>): string {
  const text = [...scopes].join(' ')
  parseScope(text)
  return text
}

/** The scopes of both lists, each once, those of the first list first. */
export function unionScope(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])]
}

/** The needed scopes that are missing. Names are compared exactly, without prefixes or wildcards. */
export function missingScope(have: readonly string[], need: readonly string[]): string[] {
  return need.filter(scope => !have.includes(scope))
}

/** Claims of a token that show that a scope was granted; for other scopes the claim with the name of the scope. */
const claimsOfScope: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'picture'],
  phone: ['phone_number'],
}

/**
 * The identity scopes that were granted, by the claims of a token: its `scope` never has them. A scope is missing when the user left it
 * out, or the provider has no such claim.
 * @see protocol §5
 */
export function identityScopesIn(claims: object): string[] {
  return identityScopes.filter(scope => (claimsOfScope[scope] ?? [scope]).some(claim => Object.hasOwn(claims, claim)))
}
