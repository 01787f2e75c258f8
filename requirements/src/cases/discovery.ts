import { type AttackCase, built } from './attack-case.js'

/** DSC: every outbound fetch. */
export const discoveryCases: readonly AttackCase[] = [
  built('DSC-01', 'discovery.guarded', 'Loopback in every spelling is refused without a packet sent.'),
  built('DSC-02', 'discovery.guarded', 'Private, shared, reserved and multicast addresses are refused.'),
  built('DSC-03', 'discovery.guarded', 'Cloud metadata addresses are refused.'),
  built('DSC-04', 'discovery.guarded', 'An IPv4 address embedded in IPv6 is judged as itself.'),
  built('DSC-05', 'discovery.pinned', 'A host with any address that is not global is refused.'),
  built('DSC-07', 'discovery.guarded', 'Single-label and internal names are refused.'),
  built('DSC-08', 'discovery.no-redirects', 'A redirect is a failure.'),
  built('DSC-09', 'id.endpoints.origin', 'An http URL inside https metadata is refused.'),
  built('DSC-10', 'discovery.guarded', 'Ports of plaintext services are refused and their answers never repeated.'),
  built('DSC-11', 'discovery.https', 'A certificate that does not verify is refused.'),
  built('DSC-12', 'discovery.sizes', 'A document over its size is cut off at the limit.'),
  built('DSC-13', 'discovery.sizes', 'A compressed document is bounded by its decoded size.'),
  built('DSC-14', 'discovery.deadline', 'A slow or hanging server costs at most the deadline.'),
  built('DSC-15', 'discovery.media-type', 'An odd status or a media type that is not JSON is a failure.'),
  built('DSC-17', 'id.metadata.self', 'Metadata that names another identifier is refused.'),
  built('DSC-18', 'token.duplicates', 'Duplicate members in metadata or JWKS are refused.'),
  built('DSC-19', 'id.jwks-elsewhere', 'A JWKS elsewhere goes through the same guard and belongs to its identifier.'),
  built('DSC-20', 'discovery.unknown-kid', 'A newly published key is found by one refetch.'),
  built('DSC-21', 'discovery.unknown-kid', 'Random key ids cause at most one fetch in 30 seconds.'),
  built(
    'DSC-25',
    'discovery.single-flight',
    'Many first requests for one identifier cause one fetch of each document.',
  ),
  built('DSC-26', 'discovery.cache', 'Caching headers cannot force a fetch per request.'),
  built('DSC-27', 'discovery.cache', 'Caching headers cannot keep a removed key beyond the cap.'),
  built('DSC-28', 'discovery.stale', 'A document that cannot be fetched serves stale up to 1 hour, then 503.'),
  built('DSC-29', 'discovery.cache', 'A removed key is refused within the cap, or at once after a purge.'),
  built('DSC-30', 'error.description', 'A refusal repeats nothing of what was fetched or of why it failed.'),
  built('DSC-32', 'discovery.budget', 'One inbound request cannot cause more fetches than its budget.'),
  built('DSC-33', 'discovery.nothing-forwarded', "Outbound fetches carry nothing of the caller's."),
  built('DSC-36', 'discovery.cache', 'Nothing is fetched conditionally: a 304 refreshes nothing.'),
  built(
    'DSC-38',
    'discovery.garbage',
    'A key set that turns to garbage or empty is stood in for, one that lost a key takes effect at once.',
  ),
  built(
    'DSC-39',
    'discovery.replaced-key',
    'A key replaced under its kid counts within 30 seconds; wrong signatures cause no more fetches than that.',
  ),
  built('DSC-37', 'sig.key.jwks-uri.lookup', "Metadata that points at another's JWKS gains no identity of that other."),
]

/** CLI: what the agent checks. */
export const agentCases: readonly AttackCase[] = [
  built(
    'CLI-01',
    'agent.checks.resource-token',
    'A challenge with a resource token that is not for this agent is refused.',
  ),
  built('CLI-19', 'agent.checks.binding', 'An agent sends on no resource token of another delegate or key.'),
  built('CLI-20', 'agent.checks.callback', 'A callback with the `iss` of another auth server redeems nothing.'),
  built('CLI-21', 'agent.tokens.per-user', "One user's call never goes out under the token of another."),
  built('CLI-02', 'trust.agent.auth-server', 'An auth server the agent does not accept gets nothing.'),
  built('CLI-03', 'agent.checks.issuer', 'Auth server metadata that names another issuer is refused.'),
  built('CLI-05', 'agent.rounds', 'A resource that challenges for ever ends in an error after two rounds.'),
  built('CLI-06', 'agent.redirects.other-origin', 'A redirect elsewhere carries away no signature, token or body.'),
  built('CLI-07', 'agent.checks.user-url', 'A URL for the user that is not https is never opened, nor any by a shell.'),
  built('CLI-08', 'agent.checks.callback', 'A callback with a missing, wrong or repeated state redeems nothing.'),
  built('CLI-11', 'agent.checks.token-answer', 'A token answer that does not match what was asked is refused.'),
  built('CLI-13', 'error.description', 'A private key appears in no log, error, header or string.'),
  built('CLI-14', 'agent.identify-to', 'A URL from outside cannot make the agent identify itself where it should not.'),
  built('CLI-15', 'challenge.no-downgrade', 'A bearer challenge beside `Agent-Auth` causes no downgrade.'),
  built('CLI-17', 'sig.replay.resent', 'A strange `Retry-After` causes no endless wait and no tight loop.'),
  built('CLI-18', 'challenge.syntax', 'A malformed or huge challenge is refused safely.'),
]

/** RAT: challenges and limits. */
export const rateCases: readonly AttackCase[] = [
  built('RAT-01', 'rate.pseudonymous', 'A fresh inline key per request resets no limit.'),
  built('RAT-02', 'rate.anonymous', 'Forwarded headers change no limit, nor does moving inside a /64.'),
  built('RAT-03', 'challenge.rate-limited', 'A 429 names the level that would help, with `Retry-After`.'),
  built(
    'RAT-04',
    'challenge.none-when-final',
    'Where no level would help, no challenge and no resource token is given.',
  ),
  built('RAT-07', 'rate.identified', 'Agents under one registrable domain can share a limit.'),
  built('RAT-08', 'rate.identified', 'Odd characters in names never make two principals share a counter.'),
  built(
    'RAT-09',
    'challenge.verified-only',
    'A flood of refused requests mints resource tokens for verified agents only.',
  ),
  built('RAT-10', 'challenge.syntax', 'A challenge is valid whatever data goes into it.'),
  built('RAT-12', 'sig.target.one-path', 'Variants of a path dodge no limit of its route.'),
  built('RAT-13', 'rate.identified', 'A refused request that comes again gets the same resource token.'),
]
