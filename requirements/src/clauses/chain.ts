import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** More than one hop: section 7. */
export const chainClauses: readonly Requirement[] = [
  built('exchange.own-key', '7', 'A resource exchanges under its own key; the upstream `cnf` proves nothing there.'),
  built(
    'exchange.upstream',
    '7',
    'The upstream token is trusted, signed, in date, for the caller, with agent and scope.',
  ),
  built('exchange.rule', '7', 'An exchange needs a rule for exactly this path, and the list is empty by default.'),
  built('exchange.whole', '7', 'The scope of the resource token is given whole or not at all.'),
  built(
    'exchange.chain',
    '7',
    'At most five `act` objects, and no identifier twice in the chain; else 403 `access_denied`.',
  ),
  built(
    'exchange.issued',
    '7',
    "The issued token is bound to the caller's key and ends no later than the upstream one.",
  ),
  built('exchange.act', '7', '`act` names the upstream issuer and agent and nests the upstream chain unchanged.'),
  built('exchange.no-refresh', '7', 'An exchange never gives a refresh token.'),
  built('exchange.sub', '7', "The issued `sub` is the auth server's own linked user, or none."),
  built('exchange.no-user', '7', 'An upstream token without `sub` never leads to consent.'),
  built('link.same-user', '7', 'Link sign-in requires the same issuer and subject as the upstream token.'),
  built('link.asks', '7', 'A page names both accounts and asks before a link is stored.'),
  built(
    'interaction.challenge',
    '7',
    'When the user must agree, a resource answers `user_interaction` on its own origin.',
  ),
  built('interaction.return-url', '7', '`return_url` follows the `redirect_uri` rule; a bad one is an error page.'),
  built('interaction.browser', '7', 'Each hop ties its interaction and its callback to one browser.'),
  built('interaction.code', '7', 'A result is used only on a retry that covers the one-time `Agent-Interaction` code.'),
  built('interaction.bound', '7', 'Sessions are single-use, live 10 minutes, and are bound to the agent and the user.'),
  built('interaction.no-browser', '7', 'An agent without a browser gets a typed error that carries the URL.'),
  built('exchange.cached', '7', 'A middle caches exchanged tokens by the hash of the upstream token, nothing wider.'),
  built('exchange.answers', '7', 'A middle answers its caller with the statuses of section 7.'),
  built('exchange.oauth', '7', 'An OAuth login downstream is tied to the same upstream user.'),
]
