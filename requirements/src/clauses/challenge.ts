import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** `Agent-Auth`, limits by level, caches, and what the agent checks of a resource: section 4. */
export const challengeClauses: readonly Requirement[] = [
  built('challenge.syntax', '4', '`Agent-Auth` is a Structured Field Item with the Token `httpsig` and parameters.'),
  built('challenge.unknown-parameters', '4', 'Unknown parameters of a challenge are ignored.'),
  built('challenge.algs', '4', '`algs` names the algorithms taken, as JOSE names in one String.'),
  built('challenge.no-downgrade', '4', 'An agent never falls back to `WWW-Authenticate` by itself.'),
  built('challenge.every-401', '4', 'Every 401 but `replay_detected` carries `Agent-Auth`.'),
  built('challenge.failed-auth-token', '4', 'A failed or expired auth token is answered with `identity=?1`.'),
  built('challenge.identity', '4', '`identity=?1` asks an unsigned or pseudonymous caller who it is.'),
  built('challenge.auth-token', '4', '`auth-token` never stands without `resource_token`.'),
  built('challenge.auth-server', '4', "`auth_server` is the issuer of the presented token, else the resource's first."),
  built(
    'challenge.verified-only',
    '4',
    'A resource token is issued only to a request verified as identified or authorized.',
  ),
  built('challenge.union-scope', '4', 'The scope asked is the union of what the token held and what is missing.'),
  built('challenge.forbidden', '4', 'A 403 names a level only where that level might be accepted.'),
  built('challenge.rate-limited', '4', 'A 429 carries `Retry-After` and names the level with a higher limit.'),
  built('challenge.none-when-final', '4', 'Where no level would help there is no `Agent-Auth`.'),
  built('challenge.user-interaction', '4', '`user_interaction` goes before `auth-token` and before `identity`.'),
  built('challenge.identity-scopes', '4', 'Routes test identity scopes by the claims they grant.'),

  built('rate.anonymous', '4', 'Anonymous requests are counted by IP address, IPv6 by /64.'),
  built('rate.pseudonymous', '4', 'Pseudonymous requests are counted by key and by IP, so a fresh key resets nothing.'),
  built('rate.failures', '4', 'What fails verification can be counted per network, before verification.'),
  built('rate.identified', '4', 'Identified requests are counted by delegate and by agent together.'),
  built('rate.authorized', '4', 'Authorized requests are counted by user and agent.'),

  built(
    'cache.private',
    '4',
    'Every guarded response carries `Cache-Control: private` unless its route says otherwise.',
  ),
  built('cache.vary', '4', 'Every guarded response carries `Vary: Signature-Key`.'),
  built('cache.no-store', '4', 'Challenges and token responses carry `no-store`.'),
  built('cors.preflight', '4', 'Where CORS is on, preflight allows the signature headers and never credentials.'),
  built('cors.exposed', '4', 'Where CORS is on, responses expose `Agent-Auth`, `Retry-After` and the rate headers.'),

  built('agent.checks.resource-token', '4', 'A resource token is of the origin called, signed by a key it publishes.'),
  built(
    'agent.checks.binding',
    '4',
    "`agent`, `agent_delegate` and `agent_jkt` of a resource token are the agent's own.",
  ),
  built('agent.checks.auth-server', '4', '`aud` of a resource token equals `auth_server`, which the agent accepts.'),
  built('agent.checks.user-interaction', '4', "`user_interaction` is on the resource's origin."),
  built('agent.checks.user-url', '4', 'URLs for a user are https and are opened without a shell.'),
  built('agent.identify-to', '4', 'An agent identifies itself only to origins that its `identifyTo` allows.'),
  built(
    'agent.rounds',
    '4',
    'An agent retries once per new challenge, at most two authorization rounds, and says why it stops.',
  ),
  built('agent.interactions', '4', 'An agent takes at most five interactions per call.'),
  built('agent.final', '4', 'A refusal without `Agent-Auth` is final for the agent.'),
  built('agent.key-changed', '4', 'An agent whose key changed refreshes or falls back to identified first.'),
  built('agent.redirects.same-origin', '4', 'A redirect on the same origin is followed and signed anew.'),
  built('agent.redirects.other-origin', '4', 'A redirect to another origin never gets signature, tokens or body.'),
]
