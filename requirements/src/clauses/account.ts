import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Clauses of protocol §6.7: accounts of users at an auth server. */
export const accountClauses: readonly Requirement[] = [
  built(
    'account.passkey',
    '6.7',
    'A passkey signs in only with origin, RP ID, type and signature right, with UP and UV.',
  ),
  built('account.challenge', '6.7', 'A challenge is for one browser and purpose, for five minutes, once.'),
  built('account.counter', '6.7', 'A count that has not grown is refused, and the user sees that.'),
  built('account.credential', '6.7', 'A credential belongs to one account.'),
  built('account.link', '6.7', 'An account at a provider is (`iss`, `sub`); its user links it where they began.'),
  built('account.last-way', '6.7', 'The last way to sign in is not removed.'),
  built(
    'account.fresh',
    '6.7',
    'Changes of how a user signs in, and deletion, need a verification of at most 60 s ago.',
  ),
  built(
    'account.session-alone',
    '6.7',
    'The inbox, a copy of one’s data and signing out everywhere need the session alone.',
  ),
  built('account.one-time-links', '6.7', 'Links of operators for users and admins work once, and end soon.'),
  built('account.deleted', '6.7', 'A deleted account takes its grants with it, with their notices.'),
]
