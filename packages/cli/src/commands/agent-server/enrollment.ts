import { readFileSync } from 'node:fs'
import { codes, type Enrollment, type OidcIssuer, oidc } from '@countersign/agent-server'
import { UsageError } from '@countersign/fetch'
import { z } from 'zod'

const claim = z.union([z.string(), z.number(), z.boolean()])

/** One OpenID issuer whose tokens enrol delegates, as the `--config` file says it. */
export const oidcIssuer = z.strictObject({
  issuer: z.string().describe('its iss, exactly: an https URL without query or fragment'),
  name: z.string().optional().describe('names what its delegates came by, oidc:NAME; default the issuer'),
  subjects: z
    .array(z.string())
    .min(1)
    .describe(
      'the sub claims that enrol: each whole; * within a segment between / and :, ** for the rest at the very end',
    ),
  claims: z
    .record(z.string(), z.union([claim, z.array(claim)]))
    .optional()
    .describe('more claims that must be there, by name or JSON Pointer: exactly this, or one of these'),
  audience: z
    .string()
    .optional()
    .describe(
      'the audience of its tokens where it gives no other; default the endpoint with # and the thumbprint of the new key',
    ),
  delegate: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('the claims that together name one delegate, by name or JSON Pointer; default ["sub"]'),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519']))
    .min(1)
    .optional()
    .describe('how its tokens may be signed; default RS256, PS256, ES256, ES384, EdDSA and Ed25519'),
  jwksUri: z.string().optional().describe('where its keys are; default as its openid-configuration says'),
  jwksFile: z
    .string()
    .optional()
    .describe('file with its keys, a JWK Set, for an issuer that cannot be reached from here; read once, at start'),
})

/** Codes always, and tokens where an issuer is configured. */
export function enrollmentOf(issuers: ReadonlyArray<z.infer<typeof oidcIssuer>>): {
  enrollment: readonly Enrollment[]
} {
  if (issuers.length === 0) return { enrollment: [codes()] }
  return { enrollment: [codes(), oidc({ issuers: issuers.map(issuerOf) })] }
}

function issuerOf({ jwksFile, ...said }: z.infer<typeof oidcIssuer>): OidcIssuer {
  const { issuer, subjects, name, claims, audience, delegate, algorithms, jwksUri } = said
  return {
    issuer,
    subjects,
    ...(name === undefined ? {} : { name }),
    ...(claims === undefined ? {} : { claims }),
    ...(audience === undefined ? {} : { audience }),
    ...(delegate === undefined ? {} : { delegate }),
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(jwksFile === undefined ? {} : { jwks: jwksIn(jwksFile) }),
  }
}

function jwksIn(path: string): NonNullable<OidcIssuer['jwks']> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw new UsageError(`cannot read the keys of an issuer in ${path}: it must hold a JWK Set`)
  }
}
