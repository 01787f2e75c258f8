// Answers that refuse a request, and what the agent does then (protocol 3.7, 4, 8).
import { add, openKind, replace } from './kind.mjs'

const resourceToken = 'eyJ0eXAiOiJyZXNvdXJjZStqd3QifQ.e30.AA'
const mandate = `httpsig; auth-token; resource_token="${resourceToken}"; auth_server="https://auth.example"`
const mandated = { auth_token: true, resource_token: resourceToken, auth_server: 'https://auth.example' }
const page = 'https://calendar.example/interact/7c1d'

/** An answer with the body of a refusal. `more` are further members of the body, or header lines. */
function answer(status, error, challenge, { lines = [], body = {} } = {}) {
  const description = 'what is wrong, in words'
  return {
    status,
    headers: [
      ...[['content-type', 'application/json'], ...(challenge === undefined ? [] : [['agent-auth', challenge]])],
      ...lines,
    ],
    body: { text: JSON.stringify({ error: error[0], reason: error[1], error_description: description, ...body }) },
  }
}

const retry = seconds => ({ lines: [['retry-after', seconds]] })
const unavailable = ['temporarily_unavailable', 'starting']
const facts = ([error, reason]) => ({ error, reason })
const plain = ['invalid_signature', 'signature_missing']
const identity = ['insufficient_level', 'level_insufficient']
const scope = ['insufficient_scope', 'scope_missing']
const limit = ['rate_limited', 'rate_exceeded']

/** `[id, title, clauses, level of the request, whether it is safe, answer, facts]`. */
const rows = [
  [
    ...['sign', 'a challenge alone asks an unsigned request for a signature', ['challenge.every-401', 'error.shape']],
    ...['anonymous', true, answer(401, plain, 'httpsig'), { ...facts(plain), challenge: {}, do: 'sign' }],
  ],
  [
    ...[
      'identify',
      'identity asks a pseudonymous caller who it is',
      ['challenge.identity', 'error.insufficient-level'],
    ],
    ...['pseudonymous', true, answer(401, identity, 'httpsig; identity=?1')],
    { ...facts(identity), challenge: { identity: true }, do: 'identify' },
  ],
  [
    ...['authorize', 'auth-token asks an identified caller for an auth token', ['challenge.auth-token']],
    ...['identified', false, answer(401, identity, mandate)],
    { ...facts(identity), challenge: mandated, do: 'authorize' },
  ],
  [
    ...['interact', 'user_interaction is where the user is sent', ['interaction.challenge']],
    ...[
      'authorized',
      false,
      answer(401, ['interaction_required', 'user_needed'], `httpsig; user_interaction="${page}"`),
    ],
    { error: 'interaction_required', reason: 'user_needed', challenge: { user_interaction: page }, do: 'interact' },
  ],
  [
    ...['interact-first', 'user_interaction goes before auth-token', ['challenge.user-interaction']],
    ...['authorized', true, answer(401, identity, `${mandate}; user_interaction="${page}"`)],
    { ...facts(identity), challenge: { ...mandated, user_interaction: page }, do: 'interact' },
  ],
  [
    ...['more-scope', 'a 403 with a challenge names the level that might be accepted', ['challenge.forbidden']],
    ...['authorized', true, answer(403, scope, mandate), { ...facts(scope), challenge: mandated, do: 'authorize' }],
  ],
  [
    ...[
      'token-refused',
      'a failed auth token is no end: the caller identifies itself',
      ['challenge.failed-auth-token'],
    ],
    ...['authorized', true, answer(401, ['invalid_auth_token', 'token_expired'], 'httpsig; identity=?1')],
    { error: 'invalid_auth_token', reason: 'token_expired', challenge: { identity: true }, do: 'identify' },
  ],
  [
    ...['final', 'a refusal without a challenge is final', ['agent.final', 'error.policy-denied']],
    ...['authorized', true, answer(403, ['policy_denied', 'condition_outside_hours'])],
    { error: 'policy_denied', reason: 'condition_outside_hours', do: 'stop' },
  ],
  [
    ...['other-scheme', 'an agent never falls back to WWW-Authenticate', ['challenge.no-downgrade', 'agent.final']],
    ...['anonymous', true, answer(401, plain, undefined, { lines: [['www-authenticate', 'Bearer']] })],
    { ...facts(plain), do: 'stop' },
  ],
  [
    ...[
      'token-too-early',
      'no resource token is for a caller that has not identified itself',
      ['challenge.verified-only'],
    ],
    ...['pseudonymous', true, answer(401, identity, mandate), { ...facts(identity), challenge: mandated, do: 'stop' }],
  ],
  [
    ...['limit', 'a 429 without a challenge is final', ['error.rate-limited']],
    ...[
      'authorized',
      true,
      answer(429, limit, undefined, retry('30')),
      { ...facts(limit), retry_after: 30, do: 'stop' },
    ],
  ],
  [
    ...['limit-of-level', 'a 429 with a challenge names a level with a higher limit', ['challenge.rate-limited']],
    ...['pseudonymous', true, answer(429, limit, 'httpsig; identity=?1', retry('30'))],
    { ...facts(limit), retry_after: 30, challenge: { identity: true }, do: 'identify' },
  ],
  [
    ...['not-processed', 'a 503 with Agent-Auth alone and Retry-After was not processed', ['sig.replay.resent']],
    ...['authorized', false, answer(503, unavailable, 'httpsig', retry('2'))],
    { ...facts(unavailable), retry_after: 2, challenge: {}, do: 'wait' },
  ],
  [
    ...['unavailable', 'an unsafe request is sent again on no other 503', ['sig.replay.resent', 'error.unavailable']],
    ...['authorized', false, answer(503, unavailable, undefined, retry('2'))],
    { ...facts(unavailable), retry_after: 2, do: 'stop' },
  ],
  [
    ...['unavailable-level', 'a 503 that asks for a level does not say that nothing was done', ['sig.replay.resent']],
    ...['authorized', false, answer(503, unavailable, 'httpsig; identity=?1', retry('2'))],
    { ...facts(unavailable), retry_after: 2, challenge: { identity: true }, do: 'stop' },
  ],
  [
    ...['unavailable-at-once', 'a 503 without Retry-After does not say when to come back', ['sig.replay.resent']],
    ...['authorized', false, answer(503, unavailable, 'httpsig')],
    { ...facts(unavailable), challenge: {}, do: 'stop' },
  ],
  [
    ...['replayed', 'after replay_detected the outcome is unknown', ['sig.replay.agent', 'error.replay-detected']],
    ...['authorized', false, answer(401, ['replay_detected', 'request_replayed'])],
    { error: 'replay_detected', reason: 'request_replayed', do: 'outcome-unknown' },
  ],
  [
    ...['withheld', 'a request whose answer is withheld was carried out', ['policy.data.before']],
    ...['authorized', false, answer(403, ['policy_denied', 'answer_withheld'])],
    { error: 'policy_denied', reason: 'answer_withheld', do: 'carried-out' },
  ],
  [
    ...['cover', 'required_components name what a signature must cover', ['error.required-components']],
    ...['pseudonymous', true],
    answer(401, ['invalid_signature', 'component_not_covered'], 'httpsig', {
      body: { required_components: ['@method', '@authority', '@path', 'signature-key', 'x-tenant'] },
    }),
    { error: 'invalid_signature', reason: 'component_not_covered', challenge: {}, cover: ['x-tenant'], do: 'cover' },
  ],
  [
    ...['reason-unknown', 'an unknown reason is treated like its error', ['error.reason']],
    ...['anonymous', true, answer(401, ['invalid_signature', 'signature_from_the_future'], 'httpsig')],
    { error: 'invalid_signature', reason: 'signature_from_the_future', challenge: {}, do: 'sign' },
  ],
  [
    ...['more-members', 'members that the protocol does not name are ignored', ['error.shape']],
    ...[
      'anonymous',
      true,
      answer(401, plain, 'httpsig', { body: { error_uri: 'https://calendar.example/help', hint: 7 } }),
    ],
    { ...facts(plain), challenge: {}, do: 'sign' },
  ],
]

const dropped = { member: 'agent-auth' }
const put = line => replace('/input/answer/headers/1/1', line)
const faults = [
  ['another-token', 'the Token is httpsig', 'challenge.syntax', 'the Token is bearer', put('bearer; identity=?1')],
  [
    'two-lines',
    'a challenge stands on one line',
    'agent.final',
    'a second line follows',
    add('/input/answer/headers/-', ['agent-auth', 'httpsig']),
  ],
  [
    'twice',
    'a parameter comes once',
    'challenge.syntax',
    'identity comes twice',
    put('httpsig; identity=?1; identity=?0'),
  ],
  ['string', 'identity is a Boolean', 'challenge.syntax', 'identity is a String', put('httpsig; identity="1"')],
  [
    'no-resource-token',
    'auth-token stands with resource_token',
    'challenge.auth-token',
    'auth-token stands alone',
    put('httpsig; auth-token'),
  ],
]

/** Answers to requests: each with the level of the request, and whether its method is safe. */
export function refusals() {
  const kind = openKind('refusals')
  for (const [id, title, clauses, level, safe, received, expect] of rows)
    kind.accept(id, title, { clauses, input: { level, safe, answer: received }, expect })
  for (const [name, title, clause, change, patch] of faults)
    kind.refuse('identify', name, title, { clauses: [clause], change, patch, expect: dropped })
  return kind
}
