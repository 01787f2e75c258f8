import { importVerifyKey, parsePublicJwk } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { bytesOf, readVectors, type Vector, type VectorInputs } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { AAuthError } from './error.js'
import {
  type AgentMetadata,
  findKey,
  isIdentifier,
  operationDigest,
  parseAgentAuth,
  parseAgentInteraction,
  parseAgentMetadata,
  parseAuthServerMetadata,
  parsePurposes,
  parseResourceMetadata,
  parseScope,
  verifyKeyProof,
} from './index.js'
import { checkRedirectUri, parseForm } from './internal.js'

type Kind =
  | 'challenges'
  | 'forms'
  | 'identifiers'
  | 'interaction-codes'
  | 'jwks'
  | 'key-proofs'
  | 'metadata'
  | 'operation-digests'
  | 'purposes'
  | 'redirect-uris'
  | 'scopes'
type Judges = { readonly [K in Kind]: (input: VectorInputs[K], now: number) => object | Promise<object> }

const parsers = {
  'aauth-agent': parseAgentMetadata,
  'aauth-resource': parseResourceMetadata,
  'aauth-issuer': parseAuthServerMetadata,
}

/** What this package makes of each kind of input: the facts, or an error. */
const judges: Judges = {
  challenges({ line }) {
    const { authToken, resourceToken, authServer, userInteraction, ...same } = parseAgentAuth(line)
    return {
      ...same,
      ...(authToken && { auth_token: authToken, resource_token: resourceToken, auth_server: authServer }),
      ...(userInteraction !== undefined && { user_interaction: userInteraction }),
    }
  },
  forms: ({ body, content_type }) => ({ parameters: Object.fromEntries(parseForm(bytesOf(body), content_type)) }),
  identifiers({ value, development }) {
    if (isIdentifier(value, { development })) return {}
    throw new AAuthError('discovery_failed', 'no identifier', { reason: 'identifier_malformed' })
  },
  'interaction-codes': ({ line }) => ({ code: parseAgentInteraction(line) }),
  async jwks({ document, kid }) {
    const jwk = findKey(document, kid)
    if (jwk === undefined) throw new AAuthError('invalid_agent_token', 'no such key', { reason: 'key_unknown' })
    return { thumbprint: (await importVerifyKey(jwk)).thumbprint }
  },
  async 'key-proofs'({ proof, jwk, ...rotation }, now) {
    await verifyKeyProof(proof, { ...rotation, jwk: parsePublicJwk(jwk), now })
    return {}
  },
  purposes: ({ purposes }) => ({ words: parsePurposes(purposes) }),
  metadata({ role, id, document }) {
    parsers[role](document, id)
    return {}
  },
  async 'operation-digests'({ base, display }) {
    return { digest: await operationDigest(base, display) }
  },
  'redirect-uris'({ redirect_uri, metadata }) {
    checkRedirectUri(redirect_uri, metadata as AgentMetadata)
    return {}
  },
  scopes: ({ scope }) => ({ scopes: parseScope(scope) }),
}

async function judged<K extends Kind>(kind: K, { input, at = 0 }: Vector<VectorInputs[K]>): Promise<object> {
  try {
    return { result: 'accept', ...(await judges[kind](input, at)) }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const { reason, code, status } = error
    return { result: 'refuse', reason, code, status }
  }
}

describe.each(Object.keys(judges) as Kind[])('%s of the vectors', kind => {
  for (const vector of readVectors(kind))
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), async () => {
      // The text of which a digest is made is shown to those who implement it: only its hash comes out here.
      const { where: _where, text: _text, ...expected } = vector.expect as Record<string, unknown>
      expect(await judged(kind, vector)).toEqual(expected)
    })
})
