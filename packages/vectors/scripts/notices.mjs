// Notices of grants that have ended, as a resource receives them (protocol 6.6).
import { badRequest, badSignature, refusal, refuseAll } from './expected.mjs'
import { publicKey } from './keys.mjs'
import { openKind, replace } from './kind.mjs'
import { agentToken, always, parameters } from './recipes.mjs'
import { signedRequest } from './signed.mjs'
import { agentId, authId, now } from './world.mjs'

const signer = id => ({ text: `jwks_uri;id="${id}";kid="auth-1";dwk="aauth-agent"` })
const form = 'application/x-www-form-urlencoded'
const recipe = {
  ...{ key: 'auth', method: 'POST', target: '/aauth/revoked-grants', authority: 'calendar.example' },
  headers: [
    ['host', 'calendar.example'],
    ['content-type', form],
  ],
  body: { text: `grant=g-41&exp=${now + 600}` },
  signature_key: signer(authId),
  components: [...always, '"content-type"', '"content-digest"', '"signature-key"'],
  parameters,
}
const sent = text => ({ ...recipe, body: { text } })
const told = (grant, exp) => ({ issuer: authId, grant, exp })
const delegate = {
  ...{ header: { ...agentToken.header, kid: 'auth-1' }, key: 'auth' },
  claims: { ...agentToken.claims, iss: authId, sub: 'worker', cnf: { jwk: publicKey('auth') } },
}

/** `[id, title, clauses, recipe, facts]`. */
const accepted = [
  [
    ...['plain', 'an auth server says that a grant has ended', ['revocation.notice', 'revocation.signer']],
    ...[recipe, told('g-41', now + 600)],
  ],
  [
    ...['longest', 'exp may be 1 h 60 s ahead', ['revocation.notice']],
    ...[sent(`grant=g-41&exp=${now + 3660}`), told('g-41', now + 3660)],
  ],
  [
    ...['longest-name', 'the name of a grant may have 64 characters', ['revocation.claim']],
    ...[sent(`grant=${'a'.repeat(64)}&exp=${now + 600}`), told('a'.repeat(64), now + 600)],
  ],
  [
    ...['another-issuer', 'the signer is the issuer, whatever the form says', ['revocation.own']],
    ...[sent(`grant=g-41&exp=${now + 600}&iss=https%3A%2F%2Fevil.example`), told('g-41', now + 600)],
  ],
]

const stranger = refusal('unauthorized_client', 'caller_not_allowed', 'agents', 403)
const body = text => replace('/made/body/text', text)
const wrong = badRequest('parameter_malformed', 'form')
const missing = badRequest('parameter_missing', 'form')
const faults = [
  [
    ...['stranger', 'no other agent may say so', 'revocation.signer', 'id names an agent that is no auth server here'],
    ...[replace('/made/signature_key', signer(agentId)), stranger],
  ],
  [
    ...[
      'delegate',
      'a delegate of the auth server is not the auth server',
      'revocation.signer',
      'it shows an agent token',
    ],
    ...[replace('/made/signature_key', { scheme: 'jwt', token: delegate }), stranger],
  ],
  [
    ...['pseudonym', 'an inline key is no auth server', ['revocation.signer', 'error.insufficient-level']],
    ...['the key is inline', replace('/made/signature_key', { scheme: 'hwk', key: 'auth' })],
    refusal('insufficient_level', 'credential_not_accepted', 'credential'),
  ],
  [
    ...['changed', 'a changed notice does not verify', 'sig.digest.match', 'the grant is another'],
    ...[replace('/input/body/text', `grant=g-42&exp=${now + 600}`), badSignature('digest_wrong', 'digest')],
  ],
  [
    ...['forged', 'the auth server signs', 'sig.key.jwks-uri.lookup', 'another key signed'],
    ...[replace('/made/key', 'evil'), badSignature('signature_wrong', 'signature')],
  ],
  [
    ...['another-resource', 'a notice is for one resource', 'sig.authority.configured', 'it was signed for another'],
    ...[replace('/made/authority', 'rooms.example'), badSignature('signature_wrong', 'signature')],
  ],
  ['no-grant', 'grant is required', 'revocation.notice', 'grant is missing', body(`exp=${now + 600}`), missing],
  ['no-exp', 'exp is required', 'revocation.notice', 'exp is missing', body('grant=g-41'), missing],
  [
    ...['grant-space', 'the name of a grant has no space', 'revocation.claim', 'grant has a space'],
    ...[body(`grant=g+41&exp=${now + 600}`), wrong],
  ],
  [
    ...['exp-text', 'exp is a number of seconds', 'revocation.notice', 'exp is a date'],
    ...[body('grant=g-41&exp=2027-01-15'), wrong],
  ],
  [
    ...['twice', 'a parameter comes once', 'token-endpoint.once', 'grant comes twice'],
    ...[body(`grant=g-41&exp=${now + 600}&grant=g-42`), badRequest('parameter_repeated', 'form')],
  ],
  [
    ...['json', 'a notice is a form', 'revocation.notice', 'the type is application/json'],
    ...[replace('/made/headers/1/1', 'application/json'), badRequest('content_type_unsupported', 'form', 415)],
  ],
]

/** Requests to the revocation endpoint of a resource. */
export function revocationNotices() {
  const kind = openKind('revocation-notices', made => {
    const { input, base } = signedRequest(made)
    return { input, facts: { base } }
  })
  for (const [id, title, clauses, made, expect] of accepted)
    kind.accept(id, title, { at: now, receiver: 'calendar', clauses, made, expect })
  refuseAll(kind, 'plain', faults)
  kind.refuse('longest', 'longer', 'exp must not be further ahead', {
    clauses: ['revocation.notice'],
    change: 'exp is a second later',
    patch: body(`grant=g-41&exp=${now + 3661}`),
    expect: wrong,
  })
  kind.refuse('longest-name', 'longer', 'the name of a grant has at most 64 characters', {
    clauses: ['revocation.claim'],
    change: 'grant has 65 characters',
    patch: body(`grant=${'a'.repeat(65)}&exp=${now + 600}`),
    expect: wrong,
  })
  return kind
}
