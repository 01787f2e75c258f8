// Requests whose signature is right, and whose token is not: what every receiver of an agent token or auth token refuses.
import { badSignature, refusal, refuseAll } from './expected.mjs'
import { add, remove, replace, replaceInHeader } from './kind.mjs'
import { authId, evilId, now } from './world.mjs'

const token = '/made/signature_key/token'
const auth = (reason, where = 'token') => refusal('invalid_auth_token', reason, where)
const agent = (reason, where = 'token') => refusal('invalid_agent_token', reason, where)
const claim = (name, value) => replace(`${token}/claims/${name}`, value)
const noIdentity = refusal('unsupported_scheme', 'token_type_unsupported', 'token')

const ofBoth = refuse => [
  [
    'signed-by-another',
    'the key in cnf must have signed the request',
    ['token.binding', 'error.invalid-signature'],
    'another key signed the request',
    replace('/made/key', 'evil'),
    badSignature('signature_wrong', 'signature'),
  ],
  [
    'signed-by-issuer',
    'the key of the issuer does not count as that of the caller',
    'token.binding',
    'the key of the issuer signed the request',
    vector => replace('/made/key', vector.made.signature_key.token.key),
    badSignature('signature_wrong', 'signature'),
  ],
  [
    'type-of-a-resource-token',
    'a resource token is no identity',
    ['sig.key.jwt', 'sig.key.jwt-type'],
    'typ is resource+jwt',
    replace(`${token}/header/typ`, 'resource+jwt'),
    noIdentity,
  ],
  [
    'type-plain',
    'a JWT of no type is no identity',
    'sig.key.jwt-type',
    'typ is JWT',
    replace(`${token}/header/typ`, 'JWT'),
    noIdentity,
  ],
  [
    'type-missing',
    'a JWT without typ is no identity',
    'sig.key.jwt-type',
    'typ is missing',
    remove(`${token}/header/typ`),
    noIdentity,
  ],
  [
    'type-later',
    'a token of a later edition is no identity here',
    'sig.key.jwt-type',
    'typ is aa-auth+jwt',
    replace(`${token}/header/typ`, 'aa-auth+jwt'),
    noIdentity,
  ],
  [
    'type-upper-case',
    'typ is compared exactly',
    ['token.typ', 'sig.key.jwt-type'],
    'typ has upper-case letters',
    vector => replace(`${token}/header/typ`, vector.made.signature_key.token.header.typ.toUpperCase()),
    noIdentity,
  ],
  [
    'kid-unknown',
    'kid must name a key of the issuer',
    'token.kid',
    'kid is another',
    replace(`${token}/header/kid`, 'key-9'),
    refuse('token_key_unknown', 'key'),
  ],
  [
    'forged',
    'a key of the issuer must have signed the token',
    'token.signature',
    'another key signed the token',
    replace(`${token}/key`, 'evil'),
    refuse('token_signature_wrong', 'signature'),
  ],
  ['expired', 'a token ends at its exp', 'token.times', 'exp is now', claim('exp', now), refuse('token_expired')],
  [
    'issued-ahead',
    'iat must not be 61 s ahead',
    'token.times',
    'iat is 61 s ahead',
    claim('iat', now + 61),
    refuse('token_issued_in_future'),
  ],
]

const authFaults = [
  [
    'issuer-untrusted',
    'only a listed issuer counts',
    ['trust.resource.auth-servers', 'token.issuer', 'error.untrusted-issuer'],
    'iss is an auth server that the resource does not list',
    claim('iss', evilId),
    refusal('untrusted_issuer', 'issuer_untrusted', 'token'),
  ],
  [
    'audience-other',
    'an auth token for another resource does not count',
    'token.auth.aud',
    'aud is another',
    claim('aud', evilId),
    auth('token_audience_wrong'),
  ],
  [
    'conditions-unknown',
    'delegation has no place in an auth token',
    ['token.policy', 'policy.unknown'],
    'delegation is added',
    add(`${token}/claims/delegation`, []),
    refusal('policy_denied', 'token_conditions_unknown', 'token'),
  ],
  [
    'lives-too-long',
    'an auth token lives at most 1 h',
    ['token.auth.life', 'token.life'],
    'exp is 1 h and 1 s after iat',
    claim('exp', now - 60 + 3601),
    auth('token_lives_too_long'),
  ],
  [
    'unreadable',
    'where auth tokens are taken, a text without a readable typ is a wrong auth token',
    'token.unreadable',
    'the token has two parts',
    replaceInHeader('signature-key', /\.[^."]*"/, '"'),
    auth('token_malformed'),
  ],
  [
    'swapped',
    'a token that was signed by this key does not count with another signature',
    'token.signature',
    'a letter of the claims is another',
    replaceInHeader('signature-key', /\.(.)/, (_, c) => `.${c === 'e' ? 'f' : 'e'}`),
    auth('token_malformed'),
  ],
]

const agentFaults = [
  [
    'audience-other',
    'a receiver must find itself in aud',
    'token.agent.aud',
    'aud has others only',
    add(`${token}/claims/aud`, [authId, evilId]),
    agent('token_audience_wrong'),
  ],
  [
    'conditions-unknown',
    'constraints have no place in an agent token',
    ['token.policy', 'policy.unknown'],
    'constraints are added',
    add(`${token}/claims/constraints`, []),
    refusal('policy_denied', 'token_conditions_unknown', 'token'),
  ],
  [
    'lives-too-long',
    'an agent token lives at most 24 h',
    ['token.agent.life', 'token.life'],
    'exp is 24 h and 1 s after iat',
    claim('exp', now - 60 + 86_401),
    agent('token_lives_too_long'),
  ],
  [
    'of-another-agent',
    'a key of the named agent must have signed',
    'token.kid',
    'iss is another agent',
    claim('iss', evilId),
    agent('token_key_unknown', 'key'),
  ],
]

/** Adds them to the accepted requests `auth-token-get` and `agent-token-get`. */
export function addTokenRequests(kind) {
  refuseAll(kind, 'auth-token-get', [...ofBoth(auth), ...authFaults])
  refuseAll(kind, 'agent-token-get', [...ofBoth(agent), ...agentFaults])
  const denied = refusal('policy_denied', 'caller_denied', 'agents')
  kind.accept('auth-token-of-member', 'an agent on the list is let in under an auth token', {
    ...{ at: now, receiver: 'calendar-members', clauses: ['trust.resource.agents'] },
    made: { ...kind.list().find(({ id }) => id === 'auth-token-get').made },
    expect: { ...factsOf(kind, 'auth-token-get') },
  })
  kind.refuse('auth-token-of-member', 'not-listed', 'an auth token of an agent that is not listed is refused', {
    ...{ clauses: ['trust.resource.agents', 'error.policy-denied'], change: 'the agent is another' },
    ...{ patch: claim('agent', evilId), expect: denied },
  })
}

function factsOf(kind, id) {
  const { base: _base, result: _result, ...facts } = kind.list().find(vector => vector.id === id).expect
  return facts
}
