import type { TokenType, WellKnownDocument } from '@countersign/protocol'

/** The well-known document of a token's issuer, by the type of the token; its `jwks_uri` has the keys. */
export const publishedIn: Readonly<Record<TokenType, WellKnownDocument>> = {
  'agent+jwt': 'aauth-agent',
  'resource+jwt': 'aauth-resource',
  'auth+jwt': 'aauth-issuer',
}
