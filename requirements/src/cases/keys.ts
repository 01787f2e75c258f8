import { type AttackCase, built, later } from './attack-case.js'

/** KEY: algorithms, keys, JWKs. */
export const keyCases: readonly AttackCase[] = [
  built('KEY-01', 'sig.alg.refused', 'A token with `alg` none in any spelling, missing or no String is refused.'),
  built('KEY-02', 'sig.alg.refused', "A token MACed with the issuer's public key is refused."),
  built('KEY-03', 'sig.parameters.alg', 'An `alg` that contradicts the key is refused and selects nothing.'),
  built('KEY-04', 'sig.alg.refused', 'HMAC as `alg`, and `oct` keys inline or published, are refused.'),
  built('KEY-05', 'sig.parameters.alg', 'A weak or unregistered `alg` is refused without a fallback.'),
  built('KEY-06', 'sig.alg.agrees', 'A key for encryption cannot sign.'),
  built('KEY-07', 'sig.alg.points', 'A wrong or unsupported curve, or a point off the curve, is refused.'),
  built('KEY-08', 'sig.alg.signature', 'ECDSA values out of range, DER encoding and wrong lengths are refused.'),
  built('KEY-09', 'sig.alg.signature', 'Malleable, short, long and zero Ed25519 signatures are refused.'),
  built('KEY-12', 'sig.alg.points', 'Coordinates of the wrong length, or missing, are refused.'),
  built('KEY-14', 'sig.key.no-private', 'A key with private members is refused and its value appears nowhere.'),
  built('KEY-15', 'sig.alg.rsa-size', 'RSA keys of bad size or exponent are refused before any arithmetic.'),
  built('KEY-16', 'sig.alg.optional', 'An RSA key without `alg` is refused, never guessed.'),
  built('KEY-17', 'sig.alg.agrees', "A JWK `alg` that contradicts its curve or the token's `alg` is refused."),
  built('KEY-19', 'token.kid', 'A token without `kid` is refused even where the issuer has a single key.'),
  built('KEY-20', 'token.kid', 'A hostile `kid` is just an unknown key.'),
  built('KEY-22', 'token.kid', 'A `kid` that differs in case, normalisation or space is unknown.'),
  built('KEY-23', 'token.headers', "A key carried or pointed to by a token's header is never used or fetched."),
  built('KEY-24', 'discovery.broken-keys', 'Unknown and broken JWKS entries do not spoil the valid ones.'),
  built('KEY-25', 'discovery.broken-keys', 'A JWKS whose `keys` is no array, or is huge, is a failed fetch.'),
  built('KEY-26', 'sig.key.hwk', 'An inline key with missing members or a contradicting `alg` is refused.'),
  built('KEY-27', 'error.unsupported-algorithm', 'A key of an algorithm that is not taken is refused with `algs`.'),
  built('KEY-28', 'sig.alg.optional', 'RSA-PSS with wrong salt, hash or padding is refused.'),
  built('KEY-30', 'sig.alg.rsa-size', 'RSA keys of a known weak generator are refused.'),
]

/** SCH: schemes of `Signature-Key` and the identity they yield. */
export const schemeCases: readonly AttackCase[] = [
  built('SCH-01', 'sig.key.scheme', 'An unknown, empty or misspelt scheme is refused without a fallback.'),
  built('SCH-02', 'sig.key.jwks-uri', '`jwks_uri` with a required parameter missing or wrong is refused.'),
  built('SCH-05', 'id.canonical', 'An identifier of any scheme but https is refused before any I/O.'),
  built('SCH-06', 'id.canonical', 'An identifier in any but its canonical spelling is refused, never repaired.'),
  built('SCH-08', 'sig.key.jwks-uri', 'A document name other than `aauth-agent` is refused.'),
  built('SCH-09', 'id.canonical', 'An identifier with a path or query is refused.'),
  built('SCH-11', 'challenge.identity', 'A pseudonymous caller of an identified route is asked for its identity.'),
  built('SCH-12', 'token-endpoint.identified', 'A pseudonymous caller never gets a token from the token endpoint.'),
  built('SCH-13', 'sig.key.scheme', '`x509`, while unsupported, is refused as such and never read as an inline key.'),
  later('SCH-14', 'sig.key.x509', 'A certificate chain with any fault is refused.'),
  later('SCH-15', 'sig.key.x509', 'A cached certificate never lends its identity to another URL or outlives itself.'),
  built('SCH-16', 'token.typ', 'A token of any other `typ` in the `jwt` scheme is refused.'),
  built('SCH-17', 'token.shape', 'A `jwt` that is no compact JWS is refused without a server error.'),
  built('SCH-18', 'token.claims', 'A `cnf` without exactly one consistent `jwk` is refused.'),
]

/** NON: replay. */
export const replayCases: readonly AttackCase[] = [
  built('NON-01', 'sig.replay.unsafe', 'The same signed POST sent twice takes effect once.'),
  built('NON-02', 'sig.nonce.optional', 'An unsafe request without `nonce` is accepted, and still only once.'),
  built('NON-03', 'sig.parameters.kept', 'A `nonce` changed, added or removed in flight is refused.'),
  built('NON-04', 'sig.nonce.optional', 'A `nonce` parameter that is no String is refused.'),
  built('NON-05', 'sig.replay.key', 'A `Nonce` header field has no meaning and does not make a replay fresh.'),
  built('NON-06', 'sig.replay.key', 'The same `nonce` under another key or at another authority is accepted.'),
  built('NON-09', 'sig.replay.unsafe', 'Of many identical requests at once exactly one is processed.'),
  built('NON-11', 'sig.replay.safe', 'A repeated GET is allowed by default and changes nothing.'),
  built('NON-12', 'sig.replay.unsafe', 'A request seen by one instance is refused by the others of its authority.'),
  built(
    'NON-14',
    'sig.replay.unsafe',
    'After a failed handler the same request is refused and a newly signed one works.',
  ),
  built('NON-15', 'sig.replay.resent', 'A POST refused by a guard that has just started is signed anew and runs once.'),
  built(
    'NON-16',
    'sig.replay.resent',
    'A 503 of a handler that looks like a guard’s is returned, and nothing is resent.',
  ),
  built('NON-17', 'sig.replay.handed-on', 'A 503 of a handler or upstream reaches the caller without `Agent-Auth`.'),
  built('NON-19', 'sig.replay.resent', 'A server that always says so is asked twice at most, after a bounded wait.'),
  built('NON-21', 'sig.replay.resent', 'No signature and no identity is shown because of such a 503.'),
  built(
    'NON-24',
    'sig.replay.no-repeat',
    'An auth server or agent server that answers 503 without `Agent-Auth` is asked once in a call.',
  ),
  built('NON-23', 'policy.order', 'A request that was not processed costs neither a call nor its approval.'),
]
