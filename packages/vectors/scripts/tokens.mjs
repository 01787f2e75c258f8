// Agent tokens, resource tokens and auth tokens, each by itself: the receiver has no request to judge beside it.
import { refusal, refuseAll } from './expected.mjs'
import { thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { agentToken } from './recipes.mjs'
import { signedToken } from './signed.mjs'
import { claim, claimFaults, confirmationFaults, formFaults, idFaults, scopeFaults } from './token-faults.mjs'
import { agentId, authId, calendarId, evilId, now } from './world.mjs'

const build = ({ token, audience }) => ({ input: { token: signedToken(token), audience }, facts: {} })
const policy = refusal('policy_denied', 'condition_malformed', 'conditions')
const unknownConditions = refusal('policy_denied', 'token_conditions_unknown', 'token')

function openTokens(name, token, audience) {
  const kind = openKind(name, build)
  const accept = (id, title, clauses, { claims = {}, without = [], expect }) => {
    const all = { ...token.claims, ...claims }
    for (const left of without) delete all[left]
    kind.accept(id, title, { at: now, clauses, made: { token: { ...token, claims: all }, audience }, expect })
  }
  return { kind, accept }
}

export function agentTokens() {
  const { kind, accept } = openTokens('agent-tokens', agentToken, calendarId)
  const expect = { agent: agentId, delegate: 'phone', thumbprint: thumbprintOf('phone') }
  const refuse = (reason, where = 'token') => refusal('invalid_agent_token', reason, where)
  accept('plain', 'an agent token says which key is that of a delegate', ['token.agent.claims', 'token.agent.sub'], {
    expect,
  })
  accept('for-this-receiver', 'an agent token may name its receivers', ['token.agent.aud'], {
    claims: { aud: [authId, calendarId] },
    expect,
  })
  accept('longest-life', 'an agent token may live 24 h', ['token.agent.life'], {
    claims: { exp: now - 60 + 86_400 },
    expect,
  })
  accept('nbf-60-s-ahead', 'nbf may be 60 s ahead', ['token.times'], { claims: { nbf: now + 60 }, expect })
  accept('longest-sub', 'sub may have 512 bytes', ['limits.ids'], {
    claims: { sub: 'é'.repeat(256) },
    expect: { ...expect, delegate: 'é'.repeat(256) },
  })
  accept('deep', 'claims may be 16 levels deep', ['token.shape'], {
    claims: { nested: JSON.parse(`${'['.repeat(15)}${']'.repeat(15)}`) },
    expect,
  })
  accept('with-delegation', 'an agent token may carry conditions', ['token.policy', 'policy.shape'], {
    claims: { aud: [calendarId], delegation: [{ type: 'chain', max: 0 }] },
    expect,
  })
  accept('unknown-claims', 'claims that the protocol does not name are ignored', ['token.claims'], {
    claims: { color: 'red' },
    expect,
  })
  refuseAll(kind, 'plain', [
    ...[
      ...formFaults(refuse, 'agent+jwt'),
      ...claimFaults(refuse, { most: 86_400, life: 'token.agent.life' }),
      ...confirmationFaults(refuse),
    ],
    ...idFaults('sub', refuse('token_claim_malformed')),
    [
      'sub-missing',
      'sub is required',
      'token.agent.claims',
      'sub is missing',
      remove(claim('sub')),
      refuse('token_claim_malformed'),
    ],
    [
      'constraints',
      'constraints have no place in an agent token',
      ['token.policy', 'policy.unknown'],
      'constraints are added',
      add(claim('constraints'), []),
      unknownConditions,
    ],
  ])
  refuseAll(kind, 'for-this-receiver', [
    [
      'other-receivers',
      'a receiver must find itself in aud',
      'token.agent.aud',
      'aud has others only',
      replace(claim('aud'), [authId, evilId]),
      refuse('token_audience_wrong'),
    ],
    [
      'another-receiver',
      'one receiver of several is no other one',
      'token.agent.aud',
      'it is received by another',
      replace('/made/audience', evilId),
      refuse('token_audience_wrong'),
    ],
    [
      'aud-empty',
      'aud must not be empty',
      'token.agent.aud',
      'aud is an empty array',
      replace(claim('aud'), []),
      refuse('token_audience_wrong'),
    ],
    [
      'aud-number',
      'aud is a String or an array of them',
      'token.agent.aud',
      'aud is a number',
      replace(claim('aud'), 7),
      refuse('token_audience_wrong'),
    ],
    [
      'aud-mixed',
      'each member of aud is a String',
      'token.agent.aud',
      'a member of aud is a number',
      replace(claim('aud'), [calendarId, 7]),
      refuse('token_audience_wrong'),
    ],
  ])
  refuseAll(kind, 'with-delegation', [
    [
      'type-unknown',
      'a condition of an unknown type is never ignored',
      ['policy.unknown', 'policy.shape'],
      'a type is another',
      replace(claim('delegation'), [{ type: 'color', any: ['red'] }]),
      policy,
    ],
    [
      'null',
      'null is no list of conditions',
      'policy.shape',
      'delegation is null',
      replace(claim('delegation'), null),
      policy,
    ],
    [
      'calls-of-a-grant',
      'a delegation has no calls of a grant',
      'policy.calls',
      'calls of a grant are added',
      replace(claim('delegation'), [
        { type: 'until', time: now + 600 },
        { type: 'calls', max: 3, per: 'grant' },
      ]),
      policy,
    ],
  ])
  return kind
}

const resourceToken = {
  header: { typ: 'resource+jwt', alg: 'Ed25519', kid: 'calendar-1' },
  claims: {
    ...{ iss: calendarId, aud: authId, agent: agentId, agent_delegate: 'phone', agent_jkt: thumbprintOf('phone') },
    ...{ scope: 'events.read', iat: now - 5, exp: now + 295, jti: '9c41d3aa' },
  },
  key: 'calendar',
}
const operation = {
  name: 'invite',
  digest: 'at51P9uUMW10Wwi8M9kfvmD6JpOKcEW9ZOcBd1DyNfY',
  display: ['Invite ', 'bob@example.org', ''],
}

export function resourceTokens() {
  const { kind, accept } = openTokens('resource-tokens', resourceToken, authId)
  const expect = {
    resource: calendarId,
    agent: agentId,
    delegate: 'phone',
    thumbprint: thumbprintOf('phone'),
    scope: ['events.read'],
  }
  const { delegate: _delegate, ...ofServer } = expect
  const refuse = (reason, where = 'token') => refusal('invalid_resource_token', reason, where)
  const wrong = refuse('token_claim_malformed')
  accept(
    'plain',
    'a resource token says which agent needs which scope under which key',
    ['token.resource.claims', 'token.resource.bound'],
    { expect },
  )
  accept('of-agent-server', 'an agent server has no delegate', ['token.resource.claims'], {
    without: ['agent_delegate'],
    expect: ofServer,
  })
  accept('longest-life', 'a resource token may live 10 min', ['token.resource.life'], {
    claims: { exp: now - 5 + 600 },
    expect,
  })
  accept('two-scopes', 'a resource token may ask for several scopes', ['token.resource.request'], {
    claims: { scope: 'events.read openid' },
    expect: { ...expect, scope: ['events.read', 'openid'] },
  })
  accept('64-scopes', 'a resource token may ask for 64 scopes', ['limits.scopes'], {
    claims: { scope: Array.from({ length: 64 }, (_, n) => `s${n}`).join(' ') },
    expect: { ...expect, scope: Array.from({ length: 64 }, (_, n) => `s${n}`) },
  })
  accept(
    'with-operation',
    'a resource token may ask for the approval of one request',
    ['approval.challenge', 'approval.display'],
    { claims: { sub: 'u-7c1d', txn: 't-1', operation }, expect },
  )
  const inLanguages = ['To ', 'Tie\u0302\u0301ng Vie\u0323\u0302t', ' \u2764\ufe0f ', 'שִּׁ֑֔י', ' ', 'မြွှေ့']
  accept('display-languages', 'display has the marks of languages, and symbols in colour', ['approval.display'], {
    claims: { sub: 'u-7c1d', txn: 't-1', operation: { ...operation, display: inLanguages } },
    expect,
  })
  const display = value => replace(`${claim('operation')}/display`, value)
  const shown = refuse('operation_malformed', 'operation')
  refuseAll(kind, 'plain', [
    ...[
      ...formFaults(refuse, 'resource+jwt'),
      ...claimFaults(refuse, { most: 600, life: 'token.resource.life' }),
      ...scopeFaults(refuse),
    ],
    ...[...idFaults('agent_delegate', wrong), ...idFaults('txn', wrong)],
    [
      'audience-other',
      'a resource token is for one auth server',
      ['auth.resource-token.aud', 'error.invalid-resource-token'],
      'aud is another',
      replace(claim('aud'), evilId),
      refuse('token_audience_wrong'),
    ],
    [
      'audience-list',
      'aud of a resource token is one String',
      'token.resource.claims',
      'aud is an array',
      replace(claim('aud'), [authId]),
      refuse('token_audience_wrong'),
    ],
    ['agent-missing', 'agent is required', 'token.resource.claims', 'agent is missing', remove(claim('agent')), wrong],
    [
      'agent-path',
      'agent is an identifier',
      ['token.resource.claims', 'id.canonical'],
      'agent has a path',
      replace(claim('agent'), `${agentId}/x`),
      wrong,
    ],
    [
      'jkt-missing',
      'agent_jkt is required',
      'token.resource.bound',
      'agent_jkt is missing',
      remove(claim('agent_jkt')),
      wrong,
    ],
    [
      'jkt-short',
      'agent_jkt is a thumbprint by SHA-256',
      'token.resource.bound',
      'agent_jkt is shorter',
      replace(claim('agent_jkt'), 'AAAA'),
      wrong,
    ],
    [
      'jkt-unused-bits',
      'agent_jkt is canonical base64url',
      'token.resource.bound',
      'unused bits are set',
      replace(claim('agent_jkt'), `${'A'.repeat(42)}B`),
      wrong,
    ],
    [
      'scope-missing',
      'scope is required',
      'token.resource.request',
      'scope is missing',
      remove(claim('scope')),
      refuse('token_claim_missing'),
    ],
    [
      'both-requests',
      'scope and auth_request_url do not stand together',
      'token.resource.request',
      'auth_request_url is added',
      add(claim('auth_request_url'), `${calendarId}/request`),
      wrong,
    ],
    [
      'constraints',
      'constraints have no place in a resource token',
      ['token.policy', 'policy.unknown'],
      'constraints are added',
      add(claim('constraints'), []),
      unknownConditions,
    ],
    [
      'delegation',
      'delegation has no place in a resource token',
      ['token.policy', 'policy.unknown'],
      'delegation is added',
      add(claim('delegation'), []),
      unknownConditions,
    ],
    [
      'of-another-resource',
      'a key of the named resource must have signed',
      ['auth.resource-token.key', 'token.kid'],
      'iss is another resource',
      replace(claim('iss'), evilId),
      refuse('token_key_unknown', 'key'),
    ],
  ])
  refuseAll(kind, 'with-operation', [
    [
      'name-missing',
      'an operation has a name',
      'approval.challenge',
      'name is missing',
      remove(`${claim('operation')}/name`),
      shown,
    ],
    [
      'name-space',
      'the name of an operation is a word',
      'policy.words',
      'name has a space',
      replace(`${claim('operation')}/name`, 'in vite'),
      shown,
    ],
    [
      'digest-short',
      'the digest is a SHA-256 hash',
      'approval.digest',
      'digest is shorter',
      replace(`${claim('operation')}/digest`, 'AAAA'),
      shown,
    ],
    [
      'member-unknown',
      'an operation has no other members',
      'approval.challenge',
      'a member is added',
      add(`${claim('operation')}/note`, 'x'),
      shown,
    ],
    [
      'not-an-object',
      'an operation is an object',
      'approval.challenge',
      'operation is a String',
      replace(claim('operation'), 'invite'),
      shown,
    ],
    ['display-empty', 'display has at least one string', 'approval.display', 'display is empty', display([]), shown],
    [
      'display-65',
      'display has at most 64 strings',
      'approval.display',
      'display has 65 strings',
      display(Array.from({ length: 65 }, () => 'a')),
      shown,
    ],
    [
      'display-501',
      'display has at most 500 code points',
      'approval.display',
      'display has 501 code points',
      display(['a'.repeat(250), 'é'.repeat(251)]),
      shown,
    ],
    [
      'display-turned',
      'display has no characters that turn text round',
      'approval.display',
      'display has U+202E',
      display(['Pay ', '\u202e001']),
      shown,
    ],
    [
      'display-zero-width',
      'display has no format characters',
      'approval.display',
      'display has U+200B',
      display(['Pay ', '1\u200b0']),
      shown,
    ],
    [
      'display-line-break',
      'display has no line breaks',
      'approval.display',
      'display has a line break',
      display(['Pay ', '1\n0']),
      shown,
    ],
    [
      'display-separator',
      'display has no separators of lines',
      'approval.display',
      'display has U+2028',
      display(['Pay ', '1\u20280']),
      shown,
    ],
    [
      'display-private-use',
      'display has no private characters',
      'approval.display',
      'display has U+E000',
      display(['Pay ', '\ue000']),
      shown,
    ],
    [
      'display-without-ink',
      'display has no letters without ink',
      'approval.display',
      'display has U+3164',
      display(['Pay ', '1\u31640']),
      shown,
    ],
    [
      'display-blank-symbol',
      'display has no symbols without ink',
      'approval.display',
      'display has U+2800',
      display(['Pay ', '1\u28000']),
      shown,
    ],
    [
      'display-variation',
      'display has no variation selectors after letters',
      'approval.display',
      'display has U+FE0F after a digit',
      display(['Pay ', '1\ufe0f0']),
      shown,
    ],
    [
      'display-marks',
      'display has at most 6 marks in a row',
      'approval.display',
      'display has 7 marks in a row',
      display(['Pay ', `1${'\u0301'.repeat(7)}`]),
      shown,
    ],
    [
      'display-mark-first',
      'no string of display begins with a mark',
      'approval.display',
      'a string of display begins with U+0336',
      display(['Pay 1', '\u03360']),
      shown,
    ],
    [
      'display-number',
      'display has Strings only',
      'approval.display',
      'a value is a number',
      display(['Pay ', 10]),
      shown,
    ],
  ])
  return kind
}
