import type { TokenType, WellKnownDocument } from '@countersign/protocol'

/** The document that leads to the keys of a token's issuer. */
export const publishedIn: Readonly<Record<TokenType, WellKnownDocument>> = {
  'agent+jwt': 'aauth-agent',
  'resource+jwt': 'aauth-resource',
  'auth+jwt': 'aauth-issuer',
}
