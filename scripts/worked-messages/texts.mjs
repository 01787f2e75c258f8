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
}
