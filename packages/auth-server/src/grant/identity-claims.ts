import { identityScopes, missingScope } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'

/** The claims of each identity scope. */
const claimsOfScope: Readonly<Record<string, readonly string[]>> = {
  openid: [],
  profile: ['name'],
  email: ['email', 'email_verified'],
}

/** Identity scopes that an auth server with users supports. */
export const supportedIdentityScopes: readonly string[] = Object.keys(claimsOfScope)

/** Characters of a claim: a longer one, e.g. a picture as a data URL, would not fit into a token. */
const longestClaim = 512

/** The claims that the identity scopes among `scope` stand for. */
export function identityClaims(
  scope: readonly string[],
  claims: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string | boolean>> {
  const names = scope.flatMap(name => (Object.hasOwn(claimsOfScope, name) ? (claimsOfScope[name] ?? []) : []))
  return Object.fromEntries(names.flatMap(name => (isClaim(claims[name]) ? [[name, claims[name]]] : [])))
}

/** The scopes for the `scope` claim of a token: all but identity scopes. */
export function resourceScopes(scope: readonly string[]): string[] {
  return missingScope(identityScopes, scope)
}

/** Tells whether a user's claims are asked for. */
export function asksIdentity(scope: readonly string[]): boolean {
  return resourceScopes(scope).length < scope.length
}

/** @throws AAuthError `invalid_scope` for an identity scope that no login tells anything about */
export function checkIdentityScopes(scope: readonly string[]): void {
  const unknown = scope.filter(name => identityScopes.includes(name) && !supportedIdentityScopes.includes(name))
  if (unknown.length === 0) return
  throw refusal('scope_unknown', { about: 'an identity scope that is not among scopes_supported' })
}

function isClaim(value: unknown): value is string | boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && value.length <= longestClaim)
}
