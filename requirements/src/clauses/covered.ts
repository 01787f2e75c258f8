import type { Requirement } from '../requirement.js'
import { built, later } from './clause.js'

/** Covered components, parameters, algorithms, replay: sections 3.4 to 3.7. */
export const coveredClauses: readonly Requirement[] = [
  built('sig.covered.always', '3.4', '`@method`, `@authority`, `@path` and `signature-key` are always covered.'),
  built('sig.covered.query', '3.4', '`@query` is covered exactly when the target has a `?`.'),
  built('sig.covered.body', '3.4', '`content-digest` and `content-type` are covered when there are body bytes.'),
  built(
    'sig.covered.body-absent',
    '3.4',
    'Without a body a covered `content-digest` refuses, and `content-type` may be covered.',
  ),
  built('sig.covered.known', '3.4', 'An unknown or unresolvable component refuses.'),
  built('sig.covered.once', '3.4', 'A component listed twice refuses.'),
  built('sig.covered.parameters', '3.4', 'A component with parameters does not count for the plain one.'),
  built('sig.covered.more', '3.4', 'More may be covered: every request component of RFC 9421 section 2 but `tr`.'),
  built('sig.covered.order', '3.4', 'The order of components is free and the signature base follows it.'),
  built(
    'sig.covered.demanded',
    '3.4',
    'A route may demand more components, named in `additional_signature_components`.',
  ),
  built(
    'sig.covered.agent',
    '3.4',
    'An agent covers the additional components a resource names, where its request has them.',
  ),
  built(
    'sig.covered.stream',
    '3.4',
    'A route with `body: stream` checks the digest at the end and aborts on mismatch.',
  ),
  later('sig.covered.token-endpoints', '3.4', 'Token endpoints never relax the body rule.'),
  built(
    'sig.digest.algorithms',
    '3.4',
    'Digests are written as sha-256 and read as sha-512 too; at least one known is needed.',
  ),
  built('sig.digest.match', '3.4', 'Every known digest must match the raw body bytes.'),
  built('sig.authority.configured', '3.4', '`@authority` is the configured one, never `Host` or a forwarded header.'),
  built(
    'sig.authority.several',
    '3.4',
    'With several configured authorities the one equal to `Host` is used; none equal answers 421.',
  ),
  built(
    'sig.authority.target-uri',
    '3.4',
    "`@scheme` and `@target-uri` use the identifier's scheme and that authority.",
  ),

  built('sig.created.required', '3.5', '`created` is required and is an Integer.'),
  built('sig.created.window', '3.5', '`created` is at most 60 seconds from now, inclusive, either way.'),
  built(
    'sig.created.judged',
    '3.5',
    'Time is judged at the last byte of a body that is read whole, and at the head of one that streams.',
  ),
  built('sig.created.tolerance', '3.5', 'The window can be configured from 1 to 300 seconds and nothing else.'),
  built('sig.expires', '3.5', '`expires` is honoured and never widens the window.'),
  built('sig.nonce.written', '3.5', 'Our agents write a `nonce` of at least 96 random bits on every request.'),
  built('sig.nonce.optional', '3.5', 'No receiver demands a `nonce`.'),
  built('sig.parameters.alg', '3.5', 'An `alg` parameter must agree with the key.'),
  built('sig.parameters.kept', '3.5', 'All parameters, known or not, stay in the signature base, strictly serialised.'),

  built('sig.alg.names', '3.6', 'JOSE names are written; RFC 9421 names are read too.'),
  built('sig.alg.supported', '3.6', '`Ed25519` and `ES256` are signed and verified.'),
  built('sig.alg.optional', '3.6', '`ES384` and `PS512` are signed and verified, too; RSA keys carry `alg`.'),
  built('sig.alg.from-key', '3.6', 'The algorithm follows from the key, never from the message.'),
  built('sig.alg.refused', '3.6', '`none`, HMAC and every algorithm that is not on the list are refused.'),
  built('sig.alg.rsa-size', '3.6', 'RSA keys under 2048 or over 4096 bits are refused before any arithmetic.'),
  built('sig.alg.points', '3.6', 'Keys that are no valid point, and small-order or non-canonical ones, are refused.'),
  built('sig.alg.agrees', '3.6', 'A JWK whose `kty`, `crv`, `alg`, `use` or `key_ops` disagree is refused.'),
  built('sig.alg.signature', '3.6', 'Only the one canonical encoding of a signature verifies.'),

  built('sig.replay.unsafe', '3.7', 'An unsafe request seen before is `replay_detected`.'),
  built('sig.replay.token-endpoints', '3.7', 'Every request to a token endpoint is taken at most once.'),
  built('sig.replay.safe', '3.7', 'Safe requests are remembered only where that is turned on.'),
  built(
    'sig.replay.key',
    '3.7',
    'A request is remembered by authority, key thumbprint and hash of the signature base.',
  ),
  built('sig.replay.window', '3.7', 'A request is remembered for twice the `created` window.'),
  built('sig.replay.after-checks', '3.7', 'Only requests that passed level, scope and limit are remembered.'),
  built(
    'sig.replay.room',
    '3.7',
    'A partition has room for the requests of its time, by default 5000 a second; parts on several nodes divide a share.',
  ),
  built(
    'sig.replay.tenants',
    '3.7',
    'Tenants of a private suffix are one site, unless the operator says that each is one.',
  ),
  built('sig.replay.bounded', '3.7', 'The set is partitioned by level with a share per principal; full answers 503.'),
  built('sig.replay.shares', '3.7', 'One site, or one network of pseudonyms, takes a tenth of the set at most.'),
  built('sig.replay.clock', '3.7', 'A clock that is set makes no request pass twice.'),
  built('sig.replay.shared-clock', '3.7', 'No clock of one verifier says for the others when a shared set began.'),
  built('sig.replay.costs-nothing', '3.7', 'A replay costs nothing to the caller that it was captured from.'),
  built('sig.replay.ready', '3.7', 'A server says that it is ready when a request created now would pass.'),
  built(
    'sig.replay.restart',
    '3.7',
    'A set that does not survive a restart refuses, with 503, unsafe requests created before its start.',
  ),
  built('sig.replay.early', '3.7', 'In its first minute such a set refuses requests created over 5 seconds ahead.'),
  built(
    'sig.replay.agent',
    '3.7',
    'An agent never signs anew and resends on `replay_detected`; it says the outcome is unknown.',
  ),
  built(
    'sig.replay.not-processed',
    '3.7',
    'A verifier that refuses before anything was done answers 503 with `Agent-Auth: httpsig` and `Retry-After`.',
  ),
  built(
    'sig.replay.handed-on',
    '3.7',
    'Guards, and proxies that verify, take `Agent-Auth` off every 503 of what stands behind them.',
  ),
  built(
    'sig.replay.resent',
    '3.7',
    'An agent signs anew and resends an unsafe request on exactly that answer, once a call, and on no other 503.',
  ),
  built(
    'sig.replay.no-repeat',
    '3.7',
    'A request to a token endpoint that has failed is not repeated within the same call, whatever challenge follows.',
  ),
]
