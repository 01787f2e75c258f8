import { z } from 'zod'
import { delegationOption } from './delegation.js'

const claim = z.union([z.string(), z.number(), z.boolean()])

/** An OpenID issuer whose tokens enrol delegates, in the `--config` file. */
export const oidcIssuer = z.strictObject({
  issuer: z.string().describe('its iss, exactly: an https URL without query and fragment'),
  name: z.string().optional().describe('name of its enrolment, as oidc:NAME; default the issuer'),
  subjects: z
    .array(z.string())
    .min(1)
    .describe(
      'the sub claims that enrol, each in full; * for text within a segment between / and :, ** at the end for the rest',
    ),
  claims: z
    .record(z.string(), z.union([claim, z.array(claim)]))
    .optional()
    .describe('other required claims, by name or JSON Pointer: the exact value, or a list of values'),
  audience: z
    .string()
    .optional()
    .describe(
      'the audience of its tokens, if it cannot issue the default: the endpoint, #, and the thumbprint of the new key',
    ),
  delegate: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('the claims that together identify one delegate, by name or JSON Pointer; default ["sub"]'),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519']))
    .min(1)
    .optional()
    .describe('the algorithms of its signatures; default RS256, PS256, ES256, ES384, EdDSA and Ed25519'),
  delegation: delegationOption
    .optional()
    .describe('what its delegates may be used for, and where; from their next enrolment on. Default no conditions'),
  jwksUri: z.string().optional().describe('URL of its keys; default the jwks_uri of its openid-configuration'),
  jwksFile: z
    .string()
    .optional()
    .describe('file with its keys, a JWK Set, for an issuer that this server cannot reach; read once, at the start'),
})
