// What an auth server issues and answers, and what the agent checks of it (protocol 6.2, 6.4, 9.4).
import { publicKey, thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { authToken } from './recipes.mjs'
import { signedToken } from './signed.mjs'
import { agentId, authId, calendarId, evilId, now } from './world.mjs'

const digest = 'at51P9uUMW10Wwi8M9kfvmD6JpOKcEW9ZOcBd1DyNfY'
const asked = {
  ...{ request_type: 'code', auth_server: authId, resource: calendarId, agent: agentId, delegate: 'phone' },
  ...{ jkt: thumbprintOf('phone'), scope: ['events.read', 'events.write'] },
}
const { agent_delegate: _delegate, ...ofServer } = authToken.claims
const { sub: _sub, ...ofNobody } = authToken.claims
const token = (claims = {}) => ({ ...authToken, claims: { ...authToken.claims, iat: now, exp: now + 600, ...claims } })
const ok = members => ({ status: 200, json: { expires_in: 600, ...members } })
const pending = error => ({ status: 400, json: { error, reason: 'decision_pending', error_description: 'in words' } })
const facts = (more = {}) => ({
  ...{ do: 'use', scope: ['events.read'], expires: now + 600, user: { iss: authId, sub: 'u-7c1d' } },
  ...more,
})
const question = { request_token: 'q7Lr0tV9xPZyA1bC2dE3fG', expires_in: 600 }
const device = {
  ...{ device_code: 'Zk3vR8tQ1mW6yB0nL5xH', user_code: 'WDJB-MJHT', verification_uri: `${authId}/device` },
  ...{ expires_in: 600, interval: 5 },
}

/** `[id, title, clauses, what was asked, token, answer, facts]`. */
const rows = [
  [
    ...['plain', 'a code gives a token and a refresh token', ['agent.checks.token-answer', 'token-endpoint.answer']],
    ...[{}, token(), ok({ refresh_token: 'r-5tJ0' }), facts({ refresh_token: true })],
  ],
  [
    ...['refreshed', 'a refresh gives a token alone', ['refresh.answer']],
    ...[{ request_type: 'refresh' }, token(), ok({}), facts({ refresh_token: false })],
  ],
  [
    ...['direct', 'a direct grant gives a token without a user', ['auth.direct-grant']],
    { request_type: 'auth' },
    { ...authToken, claims: { ...ofNobody, iat: now, exp: now + 600 } },
    ok({ refresh_token: 'r-5tJ0' }),
    { do: 'use', scope: ['events.read'], expires: now + 600, refresh_token: true },
  ],
  [
    ...['of-agent-server', 'an agent server gets a token without a delegate', ['agent.checks.token-answer']],
    { delegate: undefined },
    { ...authToken, claims: { ...ofServer, iat: now, exp: now + 600 } },
    ok({}),
    facts({ refresh_token: false }),
  ],
  [
    ...['purposes', 'a token has the purposes that were asked for', ['agent.checks.token-answer']],
    ...[
      { purposes: 'billing planning' },
      token({ purposes: 'planning billing' }),
      ok({}),
      facts({ refresh_token: false }),
    ],
  ],
  [
    ...[
      'approval',
      'an approval is of the request that was asked for',
      ['approval.token', 'agent.checks.token-answer'],
    ],
    { request_type: 'poll', operation_digest: digest },
    token({ exp: now + 300, operation_digest: digest }),
    ok({ expires_in: 300 }),
    facts({ expires: now + 300, refresh_token: false }),
  ],
  [
    ...['more-members', 'members that the protocol does not name are ignored', ['token-endpoint.answer']],
    ...[{}, token(), ok({ token_type: 'AAuth', hint: 7 }), facts({ refresh_token: false })],
  ],
  [
    ...['question', 'a user must agree first', ['consent.request-token', 'auth.direct-grant']],
    ...[{ request_type: 'auth' }, undefined, ok(question), { do: 'send-user', ...question }],
  ],
  [
    ...['device', 'a user must type in a code elsewhere', ['device.auth']],
    ...[{ request_type: 'device_auth' }, undefined, ok(device), { do: 'show-code', ...device }],
  ],
  ...[
    ['pending', 'authorization_pending', 'the agent polls on', 'wait'],
    ['slow-down', 'slow_down', 'the agent polls 5 s slower', 'wait-longer'],
    ['expired', 'expired_token', 'the user took too long', 'expired'],
    ['denied', 'access_denied', 'the user said no', 'denied'],
  ].map(([id, error, title, next]) => [
    ...[id, title, ['device.code', error === 'access_denied' ? 'error.access-denied' : 'error.device']],
    ...[{ request_type: 'device_code' }, undefined, pending(error), { do: next }],
  ]),
]

const claim = name => `/made/token/claims/${name}`
const member = name => `/made/answer/json/${name}`
const check = 'agent.checks.token-answer'
const faults = {
  plain: [
    [
      'issuer',
      'iss is the auth server that was asked',
      check,
      'iss is another',
      replace(claim('iss'), evilId),
      'auth_token',
    ],
    [
      'forged',
      'the auth server signed the token',
      'token.signature',
      'another key signed',
      replace('/made/token/key', 'evil'),
      'auth_token',
    ],
    [
      'type',
      'typ is auth+jwt',
      check,
      'typ is agent+jwt',
      replace('/made/token/header/typ', 'agent+jwt'),
      'auth_token',
    ],
    [
      'audience',
      'aud is the resource that was asked for',
      check,
      'aud is another',
      replace(claim('aud'), evilId),
      'auth_token',
    ],
    [
      'over',
      'a token that has ended is no answer',
      'token.times',
      'exp is now',
      replace(claim('exp'), now),
      'auth_token',
    ],
    [
      'life',
      'the life of the token is right',
      check,
      'the token lives 1 h and 1 s',
      replace(claim('exp'), now + 3601),
      'auth_token',
    ],
    ['agent', 'agent is the agent itself', check, 'agent is another', replace(claim('agent'), evilId), 'agent'],
    ['agent-missing', 'agent is the agent itself', check, 'agent is missing', remove(claim('agent')), 'agent'],
    [
      'delegate',
      'agent_delegate is the delegate itself',
      check,
      'agent_delegate is another',
      replace(claim('agent_delegate'), 'laptop'),
      'agent_delegate',
    ],
    [
      'delegate-missing',
      'agent_delegate is the delegate itself',
      check,
      'agent_delegate is missing',
      remove(claim('agent_delegate')),
      'agent_delegate',
    ],
    [
      'key',
      'cnf is the key of the agent',
      check,
      'cnf is another key',
      replace(claim('cnf'), { jwk: publicKey('evil') }),
      'cnf',
    ],
    [
      'scope',
      'scope is within what was asked for',
      check,
      'scope has one more',
      replace(claim('scope'), 'events.read events.delete'),
      'scope',
    ],
    [
      'approval',
      'a token for one request is no answer to another question',
      'approval.token',
      'operation_digest is added',
      add(claim('operation_digest'), digest),
      'operation_digest',
    ],
    [
      'no-token',
      'the answer has a token',
      'token-endpoint.answer',
      'auth_token is a number',
      add(member('auth_token'), 7),
      'auth_token',
    ],
    [
      'refresh-number',
      'refresh_token is a String',
      'token-endpoint.answer',
      'refresh_token is a number',
      replace(member('refresh_token'), 7),
      'refresh_token',
    ],
  ],
  'of-agent-server': [
    [
      'delegate',
      'the token of an agent server has no delegate',
      check,
      'agent_delegate is added',
      add(claim('agent_delegate'), 'phone'),
      'agent_delegate',
    ],
  ],
  purposes: [
    [
      'more',
      'purposes are within what was asked for',
      check,
      'a purpose is added',
      replace(claim('purposes'), 'planning billing selling'),
      'purposes',
    ],
  ],
  approval: [
    [
      'another',
      'an approval is of the request that was asked for',
      'approval.token',
      'operation_digest is another',
      replace(claim('operation_digest'), thumbprintOf('evil')),
      'operation_digest',
    ],
  ],
  question: [
    [
      'number',
      'request_token is a String',
      'consent.request-token',
      'request_token is a number',
      replace(member('request_token'), 7),
      'request_token',
    ],
    [
      'no-end',
      'the answer says how long the user has',
      'auth.direct-grant',
      'expires_in is missing',
      remove(member('expires_in')),
      'expires_in',
    ],
  ],
  device: [
    [
      'no-code',
      'the answer has the code for the agent',
      'device.auth',
      'device_code is missing',
      remove(member('device_code')),
      'device_code',
    ],
    [
      'no-user-code',
      'the answer has the code for the user',
      'device.auth',
      'user_code is missing',
      remove(member('user_code')),
      'user_code',
    ],
    [
      'http',
      'a URL for a user is https',
      'agent.checks.user-url',
      'verification_uri is http',
      replace(member('verification_uri'), 'http://auth.example/device'),
      'verification_uri',
    ],
    [
      'script',
      'a URL for a user is https',
      'agent.checks.user-url',
      'verification_uri is a script',
      replace(member('verification_uri'), 'javascript:alert(1)'),
      'verification_uri',
    ],
    [
      'no-end',
      'the answer says how long the user has',
      'device.auth',
      'expires_in is missing',
      remove(member('expires_in')),
      'expires_in',
    ],
  ],
}

function build({ asked: own, answer, token: recipe }) {
  const json = recipe === undefined ? answer.json : { auth_token: signedToken(recipe), ...answer.json }
  return { input: { asked: own, answer: { ...answer, json } }, facts: {} }
}

/** Answers of a token endpoint: each with what the agent asked for. */
export function tokenAnswers() {
  const kind = openKind('token-answers', build)
  for (const [id, title, clauses, own, recipe, answer, expect] of rows) {
    const made = JSON.parse(JSON.stringify({ asked: { ...asked, ...own }, answer, token: recipe }))
    kind.accept(id, title, { at: now, clauses, made, expect })
  }
  for (const [of, faulty] of Object.entries(faults))
    for (const [name, title, clause, change, patch, at] of faulty)
      kind.refuse(of, name, title, { clauses: [clause], change, patch, expect: { member: at } })
  return kind
}
