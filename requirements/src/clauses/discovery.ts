import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Discovery and limits: sections 10 and 11. */
export const discoveryClauses: readonly Requirement[] = [
  built('discovery.https', '10', 'Documents are fetched over https only, outside development.'),
  built('discovery.no-redirects', '10', 'Redirects are never followed.'),
  built('discovery.guarded', '10', 'No address that is not globally reachable is ever connected to, in any embedding.'),
  built(
    'discovery.posts',
    '10',
    'Requests to endpoints that documents or challenges name are guarded as fetches are, where the platform can.',
  ),
  built('discovery.pinned', '10', 'DNS is resolved once and the connection goes to the checked address.'),
  built('discovery.deadline', '10', 'A fetch takes 5 seconds in all.'),
  built('discovery.sizes', '10', 'Metadata is at most 64 KiB and a JWKS 256 KiB, counted after decoding.'),
  built('discovery.media-type', '10', 'Only JSON media types are read.'),
  built('discovery.nothing-forwarded', '10', "Nothing of the caller's request is forwarded."),
  built('discovery.budget', '10', 'One inbound request causes at most 8 fetches.'),
  built('discovery.fetcher', '10', 'Where addresses cannot be controlled the fetcher is passed in explicitly.'),
  built('discovery.cache', '10', 'Documents are cached by identifier, for 30 seconds to 10 minutes.'),
  built('discovery.unknown-kid', '10', 'An unknown `kid` causes one refetch per issuer in 30 seconds.'),
  built(
    'discovery.replaced-key',
    '10',
    'A `kid` whose signature does not verify shares that refetch, and another key under it is tried.',
  ),
  built('discovery.single-flight', '10', 'One URL has one fetch in flight.'),
  built('discovery.failures', '10', 'Failures are cached for seconds only.'),
  built('discovery.stale', '10', 'A stale document serves on error up to 1 hour, then 503.'),
  built('discovery.garbage', '10', 'A document that turns to garbage is stood in for up to 1 hour, with an alarm.'),
  built('discovery.first-byte', '10', 'A host that was never met begins to answer within 2 seconds.'),
  built('discovery.shares', '10', 'One site, or one network of callers, takes a tenth of the fetches at most.'),
  built('discovery.bounded', '10', 'The cache is bounded and drops what was used least recently.'),
  built('discovery.broken-keys', '10', 'Broken or unknown entries of a JWKS are skipped.'),
  built('discovery.duplicate-kid', '10', 'Two keys with the asked `kid` refuse.'),
  built(
    'discovery.broken-beside',
    '10',
    'An entry that is skipped does not count: a right key of the same `kid` is used.',
  ),
  built(
    'discovery.test-keys',
    '10',
    'Outside development a key whose private half is printed in a specification identifies nobody.',
  ),
  built('discovery.publish-ahead', '10', 'A key is published at least 30 seconds before its first use.'),

  built('limits.before-parsing', '11', 'What is over a limit is refused before it is parsed.'),
  built('limits.signature-key', '11', '`Signature-Key` is at most 7 KiB.'),
  built(
    'limits.header-status',
    '11',
    'A header that is longer than its limit answers 431 without a challenge; too many members answer 401.',
  ),
  built('limits.components', '11', 'At most 32 components are covered.'),
  built(
    'limits.body-memory',
    '11',
    'An unfinished body costs at most twice the bytes that came, and 64 KiB a connection, however small its chunks.',
  ),
  built('limits.body', '11', 'The body of a token endpoint request is at most 64 KiB.'),
  built(
    'limits.ids',
    '11',
    'Ids of users, delegates, tokens and audits are 1 to 512 bytes without characters that control, break or turn text.',
  ),
  built('limits.scopes', '11', 'Scopes and purposes are 1 to 64, each once, set apart by single spaces.'),
  built('limits.act', '11', '`act` nests at most five deep.'),
  built(
    'times.whole-seconds',
    '11',
    'Times of other parties are compared in whole seconds, the own clock rounded down.',
  ),
  built('times.expires', '11', '`expires` of a signature is included.'),
  built('times.exp', '11', 'At its `exp`, a token or condition has ended.'),
  built('times.notice', '11', 'A notice with an `exp` that has passed is right; one of over 3660 s ahead is not.'),
]
