import { type AttackCase, built } from './attack-case.js'

/** Group REV of the attack catalogue: revocation that reaches resources. */
export const revocationCases: readonly AttackCase[] = [
  built(
    'REV-04',
    'revocation.signer',
    'A delegate of the auth server, an inline key and an auth token revoke nothing.',
  ),
  built('REV-05', 'revocation.own', "An auth server ends its own grants only, whatever its form says of others'."),
  built('REV-06', 'revocation.notice', '`exp` that is missing, repeated, malformed or too far ahead is refused.'),
  built(
    'REV-08',
    'revocation.notice',
    'A notice sent again byte for byte is a replay; signed anew it changes nothing.',
  ),
  built('REV-10', 'revocation.refused', 'A token that was verified and cached before the notice is refused after it.'),
  built('REV-13', 'revocation.restart', 'A restart does not revive a revoked token.'),
  built('REV-29', 'revocation.refused', '204 is answered only once the notice is kept for all instances.'),
  built('REV-31', 'revocation.metadata', 'A token without `grant` passes until it expires.'),
  built(
    'REV-19',
    'revocation.delivered',
    'A resource that redirects, hangs or fails is asked again until the tokens have expired.',
  ),
  built('REV-21', 'revocation.order', 'Resources of one site that hang hold up no other.'),
  built('REV-22', 'revocation.order', 'An agent that gives back grants without end neither delays nor fills.'),
  built(
    'REV-23',
    'revocation.claim.one',
    '`grant` differs between resources, is the same after refresh, and `jti` does not name it.',
  ),
  built(
    'REV-18',
    'revocation.middle',
    'A resource in the middle goes on with nothing of a grant that has ended, and the page says when the rest ends.',
  ),
  built('REV-20', 'revocation.metadata', 'An endpoint elsewhere, without TLS or at a private address gets no packet.'),
  built('REV-24', 'revocation.claim', 'A claim of the user named `grant` gets into no token and no `aauth.user`.'),
  built('REV-25', 'revocation.metadata', 'An auth server and a resource at one origin revoke at two endpoints.'),
  built('REV-27', 'revocation.written', 'What a stolen code gave ends, and its resource is told at once.'),
  built('REV-28', 'revocation.shown', 'An agent that gives a token back learns nothing of who was told.'),
  built('REV-14', 'revocation.until', 'A refresh that races the end of its grant gives no token beyond its notice.'),
  built('REV-01', 'revocation.refused', 'A listed auth server revokes a grant; other grants go on.'),
  built('REV-09', 'revocation.streams', 'Event streams, sockets and downloads under the grant end; others go on.'),
]

/** Group ACC of the attack catalogue: accounts, and access that users take back. */
export const accountCases: readonly AttackCase[] = [
  built(
    'ACC-02',
    'revocation.shown',
    'Access is taken back only by the form of the account page, in the session of its user.',
  ),
  built('ACC-03', 'account.passkey', 'An assertion for another origin, RP ID, type or frame signs nobody in.'),
  built(
    'ACC-04',
    'account.passkey',
    'An assertion without user presence or verification signs in and verifies nobody.',
  ),
  built('ACC-05', 'account.counter', 'A count that has not grown is refused, with an event and a line in the history.'),
  built(
    'ACC-06',
    'account.challenge',
    'A challenge is answered once, by its browser, in time; a credential is registered once.',
  ),
  built('ACC-07', 'account.link', "Another's account at a provider is not linked, and the last way to sign in stays."),
  built(
    'ACC-09',
    'revocation.written',
    'After a user took everything back no code, refresh token or poll gives a token.',
  ),
  built('ACC-10', 'revocation.shown', "A user reaches nothing of another user's."),
  built('ACC-12', 'revocation.shown', 'A user takes one delegate back; its siblings go on.'),
]
