import type { Credential } from '@countersign/verify'

/** What the endpoints of a resource take: the resource token endpoint and the revocation endpoint. */
export const ownCredentials: readonly Credential[] = ['jwks_uri', 'agent+jwt']
