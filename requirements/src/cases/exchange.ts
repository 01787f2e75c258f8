import { type AttackCase, built } from './attack-case.js'

/** EXC: token exchange. */
export const exchangeCases: readonly AttackCase[] = [
  built('EXC-01', 'trust.auth-server.upstream', 'An upstream issuer that is not listed is refused, with no fetch.'),
  built('EXC-02', 'exchange.upstream', 'An upstream token with a wrong signature or key is refused.'),
  built('EXC-03', 'exchange.upstream', 'An upstream token out of date or of another type is refused.'),
  built('EXC-04', 'exchange.upstream', 'An upstream token for anyone but the caller is refused.'),
  built('EXC-07', 'exchange.upstream', 'An exchange without an upstream token is refused.'),
  built('EXC-08', 'auth.resource-token.caller', "A resource token that is not the caller's is refused in an exchange."),
  built('EXC-09', 'exchange.issued', "The issued token is bound to the caller's key, never to the upstream agent's."),
  built('EXC-10', 'exchange.rule', 'A scope that no rule allows is refused and never widened.'),
  built('EXC-12', 'exchange.upstream', 'An upstream token without scope is no mandate.'),
  built('EXC-14', 'exchange.issued', 'Parameters cannot set claims of the issued token.'),
  built('EXC-15', 'exchange.chain', 'A malformed chain is 400, and one that would get too long 403.'),
  built('EXC-17', 'exchange.act', 'The chain is complete, newest actor outermost.'),
  built('EXC-19', 'exchange.no-refresh', 'An exchanged token cannot be refreshed.'),
  built('EXC-20', 'exchange.upstream', 'Withdrawn trust ends new exchanges.'),
  built('EXC-21', 'exchange.upstream', 'An encrypted upstream token is refused cleanly.'),
  built('EXC-24', 'exchange.rule', 'Exchanges from one upstream token are limited.'),
  built('EXC-26', 'exchange.own-key', 'The agent of an upstream token exchanges nothing with it, whatever key it has.'),
  built('EXC-27', 'exchange.sub', 'An upstream `sub` that reads like a user here is not that user.'),
  built('EXC-28', 'token.user', 'A user of another issuer with the same `sub` is another user.'),
  built('EXC-29', 'exchange.no-user', 'A call without a user asks no user further down the chain.'),
  built('EXC-30', 'exchange.cached', "A token exchanged for one user's call serves no other."),
  built('EXC-25', 'token.auth.aud', 'A token gained by exchange is refused at any other resource.'),
]
