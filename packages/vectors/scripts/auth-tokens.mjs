// Auth tokens, each by itself.
import { refusal, refuseAll } from './expected.mjs'
import { publicKey, thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { authToken } from './recipes.mjs'
import { signedToken } from './signed.mjs'
import { claim, claimFaults, confirmationFaults, formFaults, idFaults, scopeFaults } from './token-faults.mjs'
import { agentId, authId, calendarId, evilId, now } from './world.mjs'

const refuse = (reason, where = 'token') => refusal('invalid_auth_token', reason, where)
const wrong = refuse('token_claim_malformed')
const policy = refusal('policy_denied', 'condition_malformed', 'conditions')
const all = {
  ...{ issuer: authId, agent: agentId, delegate: 'phone', thumbprint: thumbprintOf('phone') },
  ...{ user: { iss: authId, sub: 'u-7c1d' }, scope: ['events.read'] },
}
const chain = depth => ({
  ...{ iss: authId, agent: `https://service${depth}.example` },
  ...(depth > 1 ? { act: chain(depth - 1) } : { agent_delegate: 'laptop' }),
})
const conditions = [
  { type: 'until', time: now + 600 },
  { type: 'calls', max: 10, per: 'day' },
]
const fewer = (facts, ...names) => Object.fromEntries(Object.entries(facts).filter(([name]) => !names.includes(name)))

/** `[id, title, clauses, changed claims (undefined: left out), facts]`. */
const accepted = [
  ['plain', 'an auth token says what an agent may do for a user', 'token.auth.claims', {}, all],
  [
    'no-user',
    'an auth token may be of no user',
    ['token.auth.claims', 'token.user'],
    { sub: undefined },
    fewer(all, 'user'),
  ],
  ['no-scope', 'an auth token may name a user only', 'token.auth.claims', { scope: undefined }, { ...all, scope: [] }],
  [
    'no-delegate',
    'an auth token may be of the agent server itself',
    'token.auth.claims',
    { agent_delegate: undefined },
    fewer(all, 'delegate'),
  ],
  [
    'agent-is-audience',
    'where the audience is the agent, agent is absent and its delegate stays',
    'token.auth.agent-absent',
    { agent: undefined },
    { ...all, agent: calendarId },
  ],
  ['longest-life', 'an auth token may live 1 h', 'token.auth.life', { exp: now - 60 + 3600 }, all],
  [
    'longest-ids',
    'ids may have 512 bytes',
    'limits.ids',
    { sub: 's'.repeat(512), agent_delegate: 'd'.repeat(512), jti: 'j'.repeat(512), txn: 'é'.repeat(256) },
    { ...all, delegate: 'd'.repeat(512), user: { iss: authId, sub: 's'.repeat(512) } },
  ],
  ['iat-60-s-ahead', 'iat may be 60 s ahead', 'token.times', { iat: now + 60 }, all],
  ['no-grant', 'grant may be absent', 'revocation.claim', { grant: undefined }, all],
  ['longest-grant', 'grant may have 64 characters', 'revocation.claim', { grant: `-_${'a'.repeat(62)}` }, all],
  ['chain-5', 'act may be five deep', 'limits.act', { act: chain(5) }, all],
  [
    'with-constraints',
    'an auth token may carry conditions',
    ['token.policy', 'policy.shape'],
    { constraints: conditions },
    all,
  ],
  ['no-constraints', 'an empty list of conditions holds', 'policy.all-hold', { constraints: [] }, all],
  [
    'with-purposes',
    'an auth token may say for what it is used',
    'policy.purposes',
    { purposes: 'planning billing', purpose: 'To plan my week' },
    all,
  ],
  [
    'approval',
    'an auth token may be an approval of one request',
    'approval.token',
    { operation_digest: 'at51P9uUMW10Wwi8M9kfvmD6JpOKcEW9ZOcBd1DyNfY' },
    all,
  ],
  [
    'identity-claims',
    'claims of the user stand beside',
    'token.auth.identity-scopes',
    { email: 'ada@example.org', name: 'Ada' },
    all,
  ],
  [
    'key-p256',
    'the key in cnf may be of P-256',
    'sig.alg.supported',
    { cnf: { jwk: publicKey('p256') } },
    { ...all, thumbprint: thumbprintOf('p256') },
  ],
]

const act = value => replace(claim('act'), value)
const put = (name, value) => add(claim(name), value)

const faults = [
  [
    'audience-other',
    'an auth token is for one resource',
    'token.auth.aud',
    'aud is another',
    replace(claim('aud'), evilId),
    refuse('token_audience_wrong'),
  ],
  [
    'audience-list',
    'aud of an auth token is one String',
    'token.auth.aud',
    'aud is an array',
    replace(claim('aud'), [calendarId]),
    refuse('token_audience_wrong'),
  ],
  [
    'audience-slash',
    'aud is compared exactly',
    ['token.auth.aud', 'id.equal'],
    'aud ends with a slash',
    replace(claim('aud'), `${calendarId}/`),
    refuse('token_audience_wrong'),
  ],
  [
    'audience-missing',
    'aud is required',
    'token.auth.aud',
    'aud is missing',
    remove(claim('aud')),
    refuse('token_audience_wrong'),
  ],
  [
    'another-receiver',
    'a token for one resource does not count at another',
    'token.auth.aud',
    'it is received by another',
    replace('/made/audience', evilId),
    refuse('token_audience_wrong'),
  ],
  [
    'agent-is-audience',
    'agent must be absent where it is the audience',
    'token.auth.agent-absent',
    'agent is the audience',
    replace(claim('agent'), calendarId),
    wrong,
  ],
  [
    'agent-upper-case',
    'agent is an identifier',
    ['token.auth.claims', 'id.canonical'],
    'agent has an upper-case letter',
    replace(claim('agent'), 'https://Agent.example'),
    wrong,
  ],
  ['agent-null', 'agent is a String', 'token.auth.claims', 'agent is null', replace(claim('agent'), null), wrong],
  [
    'grant-space',
    'the name of a grant has no spaces',
    'revocation.claim',
    'grant has a space',
    replace(claim('grant'), 'g 41'),
    wrong,
  ],
  [
    'grant-empty',
    'the name of a grant is not empty',
    'revocation.claim',
    'grant is empty',
    replace(claim('grant'), ''),
    wrong,
  ],
  [
    'grant-long',
    'the name of a grant has at most 64 characters',
    'revocation.claim',
    'grant has 65 characters',
    replace(claim('grant'), 'a'.repeat(65)),
    wrong,
  ],
  ['purpose-list', 'purpose is a String', 'token.auth.claims', 'purpose is an array', put('purpose', ['x']), wrong],
  [
    'purposes-list',
    'purposes is a String',
    'token.auth.claims',
    'purposes is an array',
    put('purposes', ['planning']),
    wrong,
  ],
  [
    'purposes-twice',
    'a purpose comes once',
    'limits.scopes',
    'a purpose comes twice',
    put('purposes', 'planning planning'),
    wrong,
  ],
  [
    'purposes-two-spaces',
    'purposes are set apart by single spaces',
    'limits.scopes',
    'purposes has two spaces',
    put('purposes', 'planning  billing'),
    wrong,
  ],
  [
    'purposes-long',
    'a purpose has at most 128 characters',
    'policy.words',
    'a purpose has 129 characters',
    put('purposes', 'a'.repeat(129)),
    wrong,
  ],
  [
    'operation-digest-short',
    'operation_digest is a SHA-256 hash',
    'approval.digest',
    'operation_digest is shorter',
    put('operation_digest', 'AAAA'),
    wrong,
  ],
  [
    'delegation',
    'delegation has no place in an auth token',
    ['token.policy', 'policy.unknown'],
    'delegation is added',
    put('delegation', []),
    refusal('policy_denied', 'token_conditions_unknown', 'token'),
  ],
  [
    'constraints-null',
    'null is no list of conditions',
    'policy.shape',
    'constraints is null',
    put('constraints', null),
    policy,
  ],
  [
    'constraints-unknown',
    'a condition of an unknown type is never ignored',
    ['policy.unknown', 'policy.shape'],
    'a condition of an unknown type is added',
    put('constraints', [{ type: 'color' }]),
    policy,
  ],
  ['act-list', 'act is an object', 'exchange.act', 'act is an array', put('act', []), wrong],
]

const chainFaults = [
  ['six', 'act is at most five deep', 'limits.act', 'act is six deep', act(chain(6)), refuse('chain_too_deep')],
  [
    'inner-no-object',
    'each act is an object',
    'exchange.act',
    'the inner act is null',
    replace(`${claim('act')}/act`, null),
    wrong,
  ],
  ['issuer-missing', 'act has an iss', 'exchange.act', 'iss of act is missing', remove(`${claim('act')}/iss`), wrong],
  [
    'agent-missing',
    'act has an agent',
    'exchange.act',
    'agent of act is missing',
    remove(`${claim('act')}/agent`),
    wrong,
  ],
  [
    'agent-path',
    'agent of act is an identifier',
    'id.canonical',
    'agent of act has a path',
    replace(`${claim('act')}/agent`, 'https://service5.example/x'),
    wrong,
  ],
  [
    'delegate-empty',
    'agent_delegate of act is an id',
    'limits.ids',
    'agent_delegate of act is empty',
    add(`${claim('act')}/agent_delegate`, ''),
    wrong,
  ],
]

export function authTokens() {
  const kind = openKind('auth-tokens', ({ token, audience }) => ({
    input: { token: signedToken(token), audience },
    facts: {},
  }))
  for (const [id, title, clauses, changed, expect] of accepted) {
    const claims = JSON.parse(JSON.stringify({ ...authToken.claims, ...changed }))
    kind.accept(id, title, {
      ...{ at: now, clauses: [clauses].flat(), expect },
      made: { token: { ...authToken, claims }, audience: calendarId },
    })
  }
  refuseAll(kind, 'plain', [
    ...[
      ...formFaults(refuse, 'auth+jwt'),
      ...claimFaults(refuse, { most: 3600, life: 'token.auth.life' }),
      ...confirmationFaults(refuse),
    ],
    ...[...scopeFaults(refuse), ...['sub', 'agent_delegate', 'txn'].flatMap(name => idFaults(name, wrong)), ...faults],
  ])
  const nothing = refuse('token_claim_missing')
  kind.refuse('no-user', 'no-scope', 'an auth token has sub, scope or both', {
    clauses: ['token.auth.claims'],
    change: 'scope is missing, too',
    patch: remove(claim('scope')),
    expect: nothing,
  })
  refuseAll(kind, 'chain-5', chainFaults)
  kind.refuse('iat-60-s-ahead', 'no-life', 'a token ends after it was issued', {
    clauses: ['token.life'],
    change: 'exp is iat',
    patch: replace(claim('exp'), now + 60),
    expect: wrong,
  })
  return kind
}
