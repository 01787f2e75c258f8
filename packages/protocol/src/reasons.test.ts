import { generateSigningKey, importVerifyKey } from '@countersign/httpsig'
import { expect, test } from 'vitest'
import {
  AAuthError,
  checkAgentToken,
  checkAuthToken,
  checkResourceToken,
  findKey,
  parseAgentAuth,
  parseAgentInteraction,
  parseAgentMetadata,
  parsePurposes,
  parseScope,
  parseToken,
  verifyTokenSignature,
} from './index.js'
import { answerRoute, asAAuthError, checkContentCoding, checkRedirectUri, parseForm } from './internal.js'
import { reasons } from './reason/reasons.js'
import { parseKeyProof } from './token/key-proof.js'

// One refusal for each reason, so that a name cannot move to another fault. That everything is refused that must be is tested elsewhere.

const now = 1_750_000_000
const key = await generateSigningKey()
const verifyKey = await importVerifyKey(key.publicJwk)

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const signature = Buffer.alloc(64).toString('base64url')

/** A token that is right but for what is changed, and for its signature. */
function token(typ: string, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  const all = {
    iss: 'https://issuer.example',
    sub: 'alice',
    aud: 'https://receiver.example',
    scope: 'read',
    jti: 'j',
    iat: now,
    exp: now + 60,
    cnf: { jwk: key.publicJwk },
    ...claims,
  }
  return `${part({ typ, alg: 'Ed25519', kid: 'k', ...header })}.${part(all)}.${signature}`
}

const audience = 'https://receiver.example'
const auth = (claims: Record<string, unknown>): unknown =>
  checkAuthToken(parseToken(token('auth+jwt', claims), ['auth+jwt']), { now, audience })
const agent = (claims: Record<string, unknown>): unknown =>
  checkAgentToken(parseToken(token('agent+jwt', claims), ['agent+jwt']), { now, receiver: audience })
const resource = (claims: Record<string, unknown>): unknown =>
  checkResourceToken(parseToken(token('resource+jwt', claims), ['resource+jwt']), { now, audience })
const read = (text: string): unknown => parseToken(text, ['agent+jwt'])

let deep: Record<string, unknown> = {}
for (let depth = 0; depth < 6; depth++)
  deep = { iss: 'https://a.example', agent: 'https://a.example', ...(depth > 0 && { act: deep }) }

const form = (text: string, type = 'application/x-www-form-urlencoded'): unknown =>
  parseForm(new TextEncoder().encode(text), type)
const metadata = (change: Record<string, unknown>): unknown => {
  const id = 'https://agent.example'
  return parseAgentMetadata({ issuer: id, agent: id, jwks_uri: `${id}/jwks`, ...change }, id)
}

/** The refusal that a route answers with, as if it were thrown. */
async function answered(method: string, target: string): Promise<never> {
  const routes = new Map([['/known', { methods: ['GET'], answer: () => new Response() }]])
  const response = await answerRoute({ method, target, headers: [] }, routes)
  const { error, reason, error_description } = await response.json()
  throw new AAuthError(error, error_description, { reason })
}

const wrapped = (error: Error): never => {
  throw asAAuthError(error)
}

const refusals: Readonly<Record<string, () => unknown>> = {
  token_malformed: () => read('a.b'),
  token_too_large: () => read('a'.repeat(7000)),
  token_type_wrong: () => read(token('auth+jwt')),
  token_claim_missing: () => resource({ scope: undefined, agent: audience, agent_jkt: verifyKey.thumbprint }),
  token_claim_malformed: () => auth({ jti: 7 }),
  token_expired: () => auth({ exp: now }),
  token_issued_in_future: () => auth({ iat: now + 61, exp: now + 100 }),
  token_not_yet_valid: () => auth({ nbf: now + 61 }),
  token_lives_too_long: () => auth({ exp: now + 3601 }),
  token_audience_wrong: () => agent({ aud: 'https://other.example' }),
  token_algorithm_mismatched: () =>
    verifyTokenSignature(parseToken(token('agent+jwt', {}, { alg: 'ES256' }), ['agent+jwt']), verifyKey),
  token_signature_wrong: () => verifyTokenSignature(parseToken(token('agent+jwt'), ['agent+jwt']), verifyKey),
  token_conditions_unknown: () => auth({ delegation: [] }),
  operation_malformed: () => resource({ agent: audience, agent_jkt: verifyKey.thumbprint, operation: {} }),
  purposes_malformed: () => parsePurposes('support support'),
  algorithm_unsupported: () => read(token('agent+jwt', {}, { alg: 'none' })),
  chain_too_deep: () => auth({ act: deep }),
  proof_invalid: () => parseKeyProof(token('agent+jwt')),
  scope_malformed: () => parseScope('a a'),
  agent_auth_malformed: () => parseAgentAuth('other'),
  interaction_code_invalid: () => parseAgentInteraction('code'),
  content_type_unsupported: () => form('a=b', 'application/json'),
  body_too_large: () => form('a'.repeat(65_537)),
  body_compressed: () => checkContentCoding({ method: 'POST', target: '/', headers: [['content-encoding', 'gzip']] }),
  parameter_repeated: () => form('a=1&a=2'),
  form_malformed: () => form('a=%zz'),
  path_unknown: () => answered('GET', '/other'),
  method_not_allowed: () => answered('POST', '/known'),
  redirect_uri_unregistered: () => checkRedirectUri('https://agent.example/cb', { ...parsed, redirect_uris: [] }),
  redirect_uri_invalid: () =>
    checkRedirectUri('https://agent.example/cb?code=1', {
      ...parsed,
      redirect_uris: ['https://agent.example/cb?code=1'],
    }),
  document_malformed: () => metadata({ jwks_uri: 7 }),
  document_of_another: () => metadata({ agent: 'https://other.example' }),
  jwks_malformed: () => findKey({ keys: [] }, 'k'),
  dependency_unavailable: () => wrapped(Object.assign(new Error('no connection'), { transient: true })),
  internal_error: () => wrapped(new Error('a bug')),
}

const parsed = {
  issuer: 'https://agent.example',
  agent: 'https://agent.example',
  jwks_uri: 'https://agent.example/jwks',
}

test.each(Object.entries(refusals))(
  '%s is the reason of its refusal, with one of its codes',
  async (reason, refusal) => {
    const error: unknown = await new Promise(resolve => resolve(refusal())).then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'AAuthError', reason })
    if (error instanceof AAuthError) expect(reasons[error.reason].codes).toContain(error.code)
  },
)
