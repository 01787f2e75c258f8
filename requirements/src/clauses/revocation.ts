import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Clauses of protocol §6.6: revocation that reaches resources. */
export const revocationClauses: readonly Requirement[] = [
  built(
    'revocation.metadata',
    '6.6',
    'Resource metadata names `revocation_endpoint`, on its own origin, without query.',
  ),
  built('revocation.claim', '6.6', '`grant` of an auth token is 1 to 64 of `A-Z a-z 0-9 - _`, and no claim of a user.'),
  built(
    'revocation.claim.one',
    '6.6',
    'All tokens of one grant carry the same `grant`; no other grant or resource has it.',
  ),
  built(
    'revocation.notice',
    '6.6',
    'A notice is a form with `grant` and `exp`, at most 1 h 60 s ahead; the answer is 204.',
  ),
  built(
    'revocation.signer',
    '6.6',
    'Only a listed auth server revokes, signed by `jwks_uri` with `id` its issuer; others: 403.',
  ),
  built('revocation.own', '6.6', 'The signer is the `iss` whose grant ends; nothing in the form names another.'),
  built(
    'revocation.refused',
    '6.6',
    'From the 204 on, every instance refuses the tokens of the grant: 401 `invalid_auth_token`.',
  ),
  built('revocation.unseen', '6.6', 'A revocation is kept also when no token of the grant was ever seen.'),
  built('revocation.streams', '6.6', 'Streams and sockets that were opened under the grant end at once.'),
  built(
    'revocation.bounded',
    '6.6',
    'Each listed issuer has a fixed share of the set; where it is full: 503, and nothing is forgotten.',
  ),
  built(
    'revocation.not-kept',
    '6.6',
    'A notice that is not kept is answered by 503 with `Retry-After` and without `Agent-Auth`.',
  ),
  built(
    'revocation.unreadable',
    '6.6',
    'Where the set cannot be read, tokens with `grant` are refused: 503, not processed.',
  ),
  built(
    'revocation.restart',
    '6.6',
    'A set that does not survive a restart refuses tokens issued before its start + 5 s.',
  ),
  built(
    'revocation.shared-clock',
    '6.6',
    'No clock of one instance says for the others when a shared set began, or when a revocation has ended.',
  ),
  built('revocation.middle', '6.6', 'A resource in the middle drops what it exchanged for the grant.'),
  built('revocation.written', '6.6', 'The notice is written in the transaction that ends, rests or narrows the grant.'),
  built('revocation.until', '6.6', "No token's `iat` is later than the transaction that saw its grant alive."),
  built(
    'revocation.delivered',
    '6.6',
    'Notices are delivered until 204 or `exp`, across restarts, by the guarded fetcher.',
  ),
  built('revocation.order', '6.6', 'Notices of users and operators go first; an agent causes at most 10 a minute.'),
  built('revocation.shown', '6.6', "Who revoked sees each resource's status and when, never its text."),
]
