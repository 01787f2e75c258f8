// What the page says of each message: its title, who sends it to whom, and what to look at.

/** By the name of the message. */
export const texts = {
  enrolment: {
    title: 'Enrolment: a delegate gets its agent token',
    text: 'The phone made a key of its own. It signs with that key inline (`hwk`) and shows the code that the operator of `agent.example` gave out. The agent token binds `sub` `phone` to the key: it is worth nothing to anyone without it.',
  },
  pseudonymous: {
    title: 'A pseudonymous GET',
    text: 'The key stands in `Signature-Key` itself. The resource fetches nothing, and knows only that the same key came back. The target has a query, so `@query` is covered.',
  },
  identified: {
    title: 'An identified call',
    text: 'The agent token stands in `Signature-Key`, and the request is signed by the key in its `cnf.jwk`. To verify the token, the resource gets the key of `agent.example` from the JWKS that its metadata names.',
  },
  challenge: {
    title: 'A challenge',
    text: 'The route needs the scope `events.read`, and an agent token holds none. The answer names the auth server, and carries a resource token for it: `agent`, `agent_delegate` and `agent_jkt` are those of this very request.',
  },
  auth: {
    title: 'The auth request, and its answer',
    text: 'The phone takes the resource token to the auth server it was named. The body is covered by `content-digest`. A policy of this auth server allows the scope directly, so the answer is an auth token; where a user must agree, it is [a `request_token`](#15-the-auth-request-where-a-user-must-agree).',
  },
  authorized: {
    title: 'The authorized call',
    text: 'The request of [the challenge](#4-a-challenge) again, now with the auth token in `Signature-Key`, signed by the key in its `cnf.jwk`.',
  },
  'calendar-challenge': {
    title: 'A hop: the calendar is challenged',
    text: 'To answer, the calendar needs `rooms.example`. It calls under its own identifier (`jwks_uri`), and is challenged. The resource token names another auth server.',
  },
  'calendar-exchange': {
    title: 'The exchange at the hop',
    text: 'The calendar shows the auth token that it was called with as `upstream_token`, and signs with its own key. An exchange rule of `auth.rooms.example` allows it. The token names the calendar as `agent`, keeps `txn`, ends no later than the upstream token, and says in `act` for whom the calendar acts.',
  },
  'calendar-authorized': {
    title: 'The authorized call of the hop',
    text: 'The calendar calls again with the exchanged token. The handler sees the chain.',
  },
  'rooms-challenge': {
    title: 'A second hop: the rooms are challenged',
    text: 'To answer the calendar, `rooms.example` needs `doors.example`.',
  },
  'rooms-exchange': {
    title: 'The exchange at the second hop: a nested act',
    text: 'As at the first hop. The auth server is the same as before, and its own tokens need a rule, too. `act` names the calendar, and inside it the `act` that the upstream token had.',
  },
  'rooms-authorized': {
    title: 'The authorized call of the second hop',
    text: 'The chain has two entries, newest first.',
  },
  renewal: {
    title: 'Renewal of the agent token',
    text: '45 minutes later. The body is empty, and the request is signed under the agent token that it renews.',
  },
  'consent-challenge': {
    title: 'A challenge that needs a user',
    text: 'A POST with a body, for which the route needs the scope `events.write`. The request is signed whole, and refused before its handler runs.',
  },
  'consent-auth': {
    title: 'The auth request where a user must agree',
    text: 'The policy of this auth server leaves `events.write` to users, so the request says where they come back to (`redirect_uri`, one of the agent’s metadata), and the answer is a `request_token`.',
  },
  code: {
    title: 'The code is redeemed',
    text: 'The code counts only with the `request_token` its browser session began with, and in a request of the same agent and delegate. The auth token names the user by `sub`.',
  },
  'consent-authorized': {
    title: 'The authorized call for a user',
    text: 'The POST of [the challenge](#14-a-challenge-that-needs-a-user) again, signed anew, with the auth token.',
  },
  refresh: {
    title: 'Refresh',
    text: 'The refresh token is bound to agent and delegate, and counts only in their signed request. It is not rotated.',
  },
  revocation: {
    title: 'Revocation',
    text: 'The owner of a refresh token ends its grant. The answer is 200 whether there was one or not.',
  },
  'refresh-revoked': {
    title: 'A refresh after that',
    text: 'The grant is gone: `invalid_grant`.',
  },
  rotation: {
    title: 'Rotation of the delegate’s key',
    text: 'A renewal with `jwk` and `proof`: the new key signs the proof, the old one the request. The agent token is bound to the new key. From now on the old key may only repeat this rotation, for 60 seconds.',
  },
  'resource-token': {
    title: 'A resource token without a challenge',
    text: 'An agent that knows which scope it needs asks for it at the resource’s `resource_token_endpoint`. It gets the same resource token that a challenge would have carried. The request is signed by the delegate’s new key.',
  },
  'device-auth': {
    title: 'The device flow: the codes',
    text: 'The agent cannot open a browser, so it names no `redirect_uri`. It shows `user_code` and `verification_uri` to its user, and keeps `device_code` to itself. No URL carries the code.',
  },
  'device-pending': {
    title: 'The device flow: a poll before the user has decided',
    text: 'The agent asks again after `interval` seconds: `authorization_pending`.',
  },
  'device-code': {
    title: 'The device flow: the poll after the decision',
    text: 'Meanwhile the user has opened `verification_uri` in a browser, signed in, typed `user_code` and allowed the scope. The answer is the same as where a code is redeemed.',
  },
  'device-authorized': {
    title: 'The authorized call of a device',
    text: 'The auth token is bound to the delegate’s new key, which signs the call.',
  },
  'interaction-challenge': {
    title: 'A resource that needs its caller’s user',
    text: 'To answer, the calendar calls `board.example`. The auth server of the board asks the user before it exchanges the token, so the calendar sends its caller’s user to a page of its own, which leads on to that auth server. The agent adds `return_url` and `state`.',
  },
  'interaction-answered': {
    title: 'The call after the user has agreed',
    text: 'The `interaction` of the return URL stands in `Agent-Interaction`, which the signature covers. The calendar goes on with what the user allowed. The handler of the board sees the chain.',
  },
  'policy-enrolment': {
    title: 'A delegation policy: the agent token that holds one',
    text: 'The operator of `agent.example` invited the tablet with conditions: only one scope, and only in working hours. They stand in `delegation` of each of its agent tokens, and `aud` lists the only receivers of these tokens.',
  },
  'policy-refused': {
    title: 'A delegation policy: a request that it refuses',
    text: 'The route needs `orders.cancel`, which the policy leaves out. The answer is 403 `policy_denied` with a `reason`, and there is no challenge: no auth token would help.',
  },
  'policy-challenge': {
    title: 'A delegation policy: a request that it lets pass is challenged as always',
    text: 'It is a Friday, 10:00 in Paris, and the route needs `orders`: the conditions hold. What lacks is an auth token.',
  },
  'policy-auth': {
    title: 'A delegation policy: the auth request',
    text: 'The policy of this auth server leaves it to the user, under one more condition: ten calls a day. The user sees all three on the consent page, and could add more.',
  },
  'policy-code': {
    title: 'A delegation policy: the auth token with its constraints',
    text: '`constraints` holds the condition of the auth server, followed by those of the agent token.',
  },
  'policy-authorized': {
    title: 'A delegation policy: a request that passes',
    text: 'The resource judges the request by each constraint. The handler sees them, and need not look.',
  },
  'approval-challenge': {
    title: 'Approval of a single call: the challenge',
    text: 'The auth token has the scope and its conditions hold, but a user must approve each payment. `operation` of the resource token names what the call does, shows it to the user in `display`, and binds it by `digest`. `sub` is the user who must agree.',
  },
  'approval-auth': {
    title: 'Approval of a single call: the auth request',
    text: 'The agent asks for it as for any access. The page that the user sees shows the operation and the call, and nothing is remembered.',
  },
  'approval-code': {
    title: 'Approval of a single call: the token of the yes',
    text: '`operation_digest` is the digest of the challenge. The token lives five minutes, and there is no refresh token.',
  },
  'approval-authorized': {
    title: 'Approval of a single call: the call is repeated',
    text: 'The request of [the challenge](#35-approval-of-a-single-call-the-challenge) again, signed anew: the same bytes, so the same digest.',
  },
  'approval-changed': {
    title: 'Approval of a single call: a changed call is refused',
    text: 'Another sum has another digest, so it needs an approval of its own.',
  },
  'approval-used': {
    title: 'Approval of a single call: a second use is refused',
    text: 'A yes is good for one call: `approval_used`, and no challenge. To pay once more the agent begins again with the auth token that it had before.',
  },
}
