// What is wrong with a token whatever its type: rows for `refuseAll`. `refuse` makes the refusal with the code of the type.
import { publicKey } from './keys.mjs'
import { add, remove, replace, replaceIn } from './kind.mjs'
import { now } from './world.mjs'

export const header = name => `/made/token/header/${name}`
export const claim = name => `/made/token/claims/${name}`
const rawHeader = text => replace('/made/token/header', text)

/** The JSON text of a part of the recipe, changed. */
export function rewritten(part, from, to) {
  return vector => {
    const text = JSON.stringify(vector.made.token[part])
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`${vector.id} has no such text in its ${part}`)
    return replace(`/made/token/${part}`, changed)
  }
}

const segment = (at, change) => vector => {
  const segments = vector.input.token.split('.')
  segments[at] = change(segments[at])
  return replace('/input/token', segments.join('.'))
}

/** The same bytes in another spelling: the bits that the last character does not use are set. */
function withUnusedBits(text) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const unused = { 2: 15, 3: 3 }[text.length % 4] ?? 0
  const last = letters.indexOf(text.at(-1))
  return unused === 0 ? `${text}=` : text.slice(0, -1) + letters[last | (last & unused ? 0 : 1)]
}

/** Form, `typ`, `alg`, `kid`, `crit`, `iss`. */
export function formFaults(refuse, typ) {
  const malformed = refuse('token_malformed')
  const wrongType = refuse('token_type_wrong')
  const unsupported = refuse('algorithm_unsupported')
  const wrongClaim = refuse('token_claim_malformed')
  return [
    [
      'two-segments',
      'a token has three parts',
      'token.shape',
      'the signature is cut off',
      replaceIn('/input/token', /\.[^.]*$/, ''),
      malformed,
    ],
    [
      'four-segments',
      'a token has no fourth part',
      'token.shape',
      'a part is added',
      replaceIn('/input/token', /$/, '.e30'),
      malformed,
    ],
    ['empty', 'an empty text is no token', 'token.shape', 'the token is empty', replace('/input/token', ''), malformed],
    [
      'padded',
      'a part has no padding',
      'token.shape',
      'the signature is padded',
      replaceIn('/input/token', /$/, '=='),
      malformed,
    ],
    [
      'unused-bits',
      'base64url must be canonical',
      'token.shape',
      'unused bits of the signature are set',
      segment(2, withUnusedBits),
      malformed,
    ],
    [
      'standard-base64',
      'a part is base64url, and no other base64',
      'token.shape',
      'a letter of the header is +',
      segment(0, text => `+${text.slice(1)}`),
      malformed,
    ],
    [
      'space',
      'a token has no white space',
      'token.shape',
      'a space is added',
      replaceIn('/input/token', /$/, ' '),
      malformed,
    ],
    ['header-no-json', 'the header holds JSON', 'token.shape', 'the header is no JSON', rawHeader('{typ}'), malformed],
    ['header-array', 'the header is an object', 'token.shape', 'the header is an array', rawHeader('[]'), malformed],
    [
      'claims-no-json',
      'the claims are JSON',
      'token.shape',
      'the claims are no JSON',
      replace('/made/token/claims', 'x'),
      malformed,
    ],
    [
      'claims-string',
      'the claims are an object',
      'token.shape',
      'the claims are a String',
      replace('/made/token/claims', '"x"'),
      malformed,
    ],
    [
      'header-duplicate',
      'a member of the header that comes twice is refused',
      'token.duplicates',
      'kid comes twice',
      rewritten('header', '{', '{"kid":"other-1",'),
      malformed,
    ],
    [
      'claims-duplicate',
      'a claim that comes twice is refused',
      'token.duplicates',
      'exp comes twice',
      rewritten('claims', '{', `{"exp":${now + 500},`),
      malformed,
    ],
    [
      'claims-duplicate-escaped',
      'a claim that comes twice is refused in any spelling',
      'token.duplicates',
      'exp comes twice, once with an escape',
      rewritten('claims', '{', `{"\\u0065xp":${now + 500},`),
      malformed,
    ],
    [
      'nested-duplicate',
      'a member that comes twice is refused at any depth',
      'token.duplicates',
      'a member in a claim comes twice',
      rewritten('claims', '{', '{"x":{"a":1,"a":2},'),
      malformed,
    ],
    [
      'too-large',
      'a token over 6 KiB is refused',
      ['token.size', 'limits.before-parsing'],
      'a claim of 6 KiB is added',
      add(claim('x'), 'x'.repeat(6000)),
      refuse('token_too_large'),
    ],
    ['type-missing', 'typ is required', 'token.typ', 'typ is missing', remove(header('typ')), wrongType],
    ['type-jwt', 'typ must be that of this place', 'token.typ', 'typ is JWT', replace(header('typ'), 'JWT'), wrongType],
    [
      'type-application',
      'typ is compared exactly',
      'token.typ',
      'typ has the prefix application/',
      replace(header('typ'), `application/${typ}`),
      wrongType,
    ],
    [
      'type-of-another',
      'a token of another type does not count',
      'token.typ',
      'typ is that of another token',
      replace(header('typ'), typ === 'auth+jwt' ? 'agent+jwt' : 'auth+jwt'),
      wrongType,
    ],
    [
      'alg-none',
      'the algorithm none is refused',
      ['token.alg', 'sig.alg.refused'],
      'alg is none',
      replace(header('alg'), 'none'),
      unsupported,
    ],
    [
      'alg-hmac',
      'HMAC is refused',
      ['token.alg', 'sig.alg.refused'],
      'alg is HS256',
      replace(header('alg'), 'HS256'),
      unsupported,
    ],
    [
      'alg-rs256',
      'an algorithm that the protocol does not name is refused',
      ['token.alg', 'sig.alg.refused'],
      'alg is RS256',
      replace(header('alg'), 'RS256'),
      unsupported,
    ],
    ['alg-missing', 'alg is required', 'token.alg', 'alg is missing', remove(header('alg')), unsupported],
    [
      'alg-registered-name',
      'alg of a token is a JOSE name',
      'token.alg',
      'alg is the name of RFC 9421',
      replace(header('alg'), 'ed25519'),
      unsupported,
    ],
    [
      'alg-of-another-key',
      'alg must be that of the key',
      'token.alg',
      'alg is ES256, and the key Ed25519',
      replace(header('alg'), 'ES256'),
      refuse('token_algorithm_mismatched', 'key'),
    ],
    ['kid-missing', 'kid is required', 'token.kid', 'kid is missing', remove(header('kid')), malformed],
    ['kid-empty', 'kid must not be empty', 'token.kid', 'kid is empty', replace(header('kid'), ''), malformed],
    ['kid-number', 'kid is a String', 'token.kid', 'kid is a number', replace(header('kid'), 1), malformed],
    [
      'kid-unknown',
      'kid must name a key of the issuer',
      'token.kid',
      'kid is another',
      replace(header('kid'), 'other-1'),
      refuse('token_key_unknown', 'key'),
    ],
    ['crit', 'crit is refused', 'token.crit', 'crit is added', add(header('crit'), ['exp']), malformed],
    ['b64', 'b64 is refused', 'token.crit', 'b64 is added', add(header('b64'), true), malformed],
    [
      'issuer-missing',
      'iss is required',
      ['token.claims', 'token.issuer'],
      'iss is missing',
      remove(claim('iss')),
      wrongClaim,
    ],
    [
      'issuer-slash',
      'iss is an identifier',
      ['token.issuer', 'id.canonical'],
      'iss ends with a slash',
      vector => replace(claim('iss'), `${vector.made.token.claims.iss}/`),
      wrongClaim,
    ],
    [
      'issuer-http',
      'outside development iss is https',
      ['token.issuer', 'id.development.explicit'],
      'iss is http',
      vector => replace(claim('iss'), vector.made.token.claims.iss.replace('https', 'http')),
      wrongClaim,
    ],
    [
      'issuer-list',
      'iss is one identifier',
      'token.issuer',
      'iss is an array',
      vector => replace(claim('iss'), [vector.made.token.claims.iss]),
      wrongClaim,
    ],
    [
      'forged',
      'a key of the issuer must have signed the token',
      'token.signature',
      'another key signed the token',
      replace('/made/token/key', 'evil'),
      refuse('token_signature_wrong', 'signature'),
    ],
    [
      'key-in-header',
      'a key in the header is never used',
      ['token.headers', 'token.signature'],
      'another key signed, and stands in the header',
      vector =>
        replace('/made/token', {
          ...vector.made.token,
          key: 'evil',
          header: { ...vector.made.token.header, jwk: publicKey('evil') },
        }),
      refuse('token_signature_wrong', 'signature'),
    ],
    [
      'signature-short',
      'a signature has the length of its algorithm',
      ['token.shape', 'sig.alg.signature'],
      'three bytes of the signature are cut off',
      segment(2, text => text.slice(0, -4)),
      malformed,
    ],
    [
      'claims-changed',
      'changed claims do not verify',
      'token.signature',
      'a blank is added to the claims',
      segment(1, text => Buffer.from(`${Buffer.from(text, 'base64url')} `).toString('base64url')),
      refuse('token_signature_wrong', 'signature'),
    ],
    [
      'claims-not-utf-8',
      'the claims are UTF-8',
      'token.shape',
      'a byte of the claims is no UTF-8',
      segment(1, text =>
        Buffer.concat([
          Buffer.from(text, 'base64url').subarray(0, -1),
          Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
        ]).toString('base64url'),
      ),
      malformed,
    ],
  ]
}

/** Times and ids; `most` is the longest life of the type, in seconds, by the clause `life`. */
export function claimFaults(refuse, { most, life }) {
  const wrong = refuse('token_claim_malformed')
  const times = [
    [
      'exp-now',
      'a token ends at its exp',
      'token.times',
      'the clock is at exp',
      vector => replace('/at', vector.made.token.claims.exp),
      refuse('token_expired'),
    ],
    ['exp-missing', 'exp is required', ['token.times', 'token.claims'], 'exp is missing', remove(claim('exp')), wrong],
    [
      'exp-string',
      'exp is an integer',
      'token.times',
      'exp is a String',
      replace(claim('exp'), String(now + 500)),
      wrong,
    ],
    [
      'exp-fraction',
      'exp has no fraction',
      'token.times',
      'exp is a fraction',
      replace(claim('exp'), now + 0.5),
      wrong,
    ],
    ['iat-missing', 'iat is required', ['token.times', 'token.claims'], 'iat is missing', remove(claim('iat')), wrong],
    ['iat-negative', 'iat is a time since 1970', 'token.times', 'iat is negative', replace(claim('iat'), -1), wrong],
    [
      'iat-ahead',
      'iat must not be 61 s ahead',
      'token.times',
      'iat is 61 s ahead',
      replace(claim('iat'), now + 61),
      refuse('token_issued_in_future'),
    ],
    [
      'nbf-ahead',
      'nbf must not be 61 s ahead',
      'token.times',
      'nbf is 61 s ahead',
      add(claim('nbf'), now + 61),
      refuse('token_not_yet_valid'),
    ],
    ['nbf-string', 'nbf is an integer', 'token.times', 'nbf is a String', add(claim('nbf'), String(now)), wrong],
    [
      'lives-too-long',
      'a token lives no longer than its type may',
      ['token.life', life],
      'exp is a second too late',
      vector => replace(claim('exp'), vector.made.token.claims.iat + most + 1),
      refuse('token_lives_too_long'),
    ],
  ]
  return [
    ...times,
    ...idFaults('jti', wrong),
    ['jti-missing', 'jti is required', 'token.claims', 'jti is missing', remove(claim('jti')), wrong],
  ]
}

/** A claim that is an id of a user, delegate or token. It is there in the accepted token, or may be. */
export function idFaults(name, wrong, put = value => add(claim(name), value)) {
  return [
    [`${name}-empty`, `${name} must not be empty`, ['limits.ids', 'token.claims'], `${name} is empty`, put(''), wrong],
    [`${name}-blank`, `${name} must not be blank`, 'limits.ids', `${name} is a space`, put(' '), wrong],
    [`${name}-number`, `${name} is a String`, 'token.claims', `${name} is a number`, put(7), wrong],
    [
      `${name}-control`,
      `${name} has no control characters`,
      'limits.ids',
      `${name} has a line break`,
      put('a\nb'),
      wrong,
    ],
    [
      `${name}-turned`,
      `${name} has no characters that turn text round`,
      'limits.ids',
      `${name} has U+202E`,
      put('a\u202eb'),
      wrong,
    ],
    [
      `${name}-long`,
      `${name} has at most 512 bytes`,
      'limits.ids',
      `${name} has 513 bytes`,
      put('é'.repeat(256) + 'a'),
      wrong,
    ],
  ]
}

/** `cnf` of agent tokens and auth tokens. */
export function confirmationFaults(refuse) {
  const wrong = refuse('token_claim_malformed')
  const put = value => replace(claim('cnf'), value)
  const phone = publicKey('phone')
  return [
    ['cnf-missing', 'cnf is required', 'token.claims', 'cnf is missing', remove(claim('cnf')), wrong],
    [
      'cnf-thumbprint',
      'cnf holds a key, no thumbprint of one',
      'token.claims',
      'cnf has jkt',
      put({ jkt: 'x' }),
      wrong,
    ],
    ['cnf-two-keys', 'cnf names one key', 'token.claims', 'cnf has kid, too', put({ jwk: phone, kid: 'x' }), wrong],
    [
      'cnf-private',
      'cnf holds no private key',
      'token.claims',
      'the key has d',
      put({ jwk: { ...phone, d: 'AA' } }),
      wrong,
    ],
    [
      'cnf-without-alg',
      'the key in cnf carries alg',
      'id.jwk-alg',
      'alg is missing',
      remove(`${claim('cnf')}/jwk/alg`),
      wrong,
    ],
    [
      'cnf-symmetric',
      'the key in cnf is a public key',
      'sig.alg.refused',
      'the key is oct',
      put({ jwk: { kty: 'oct', alg: 'HS256', k: 'AAAA' } }),
      wrong,
    ],
    [
      'cnf-off-curve',
      'the key in cnf is a point of its curve',
      'sig.alg.points',
      'y is 2',
      replace(`${claim('cnf')}/jwk/x`, `Ag${'A'.repeat(41)}`),
      wrong,
    ],
    [
      'cnf-p256-off-curve',
      'the key in cnf is a point of its curve',
      'sig.alg.points',
      'the key is of P-256, and y is x',
      put({ jwk: { ...publicKey('p256'), y: publicKey('p256').x } }),
      wrong,
    ],
    [
      'cnf-small-order',
      'the key in cnf is no point of small order',
      'sig.alg.points',
      'x is the neutral point',
      replace(`${claim('cnf')}/jwk/x`, 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
      wrong,
    ],
  ]
}

/** `scope` of resource tokens and auth tokens. */
export function scopeFaults(refuse) {
  const wrong = refuse('token_claim_malformed')
  const put = value => replace(claim('scope'), value)
  return [
    ['scope-empty', 'scope must not be empty', 'limits.scopes', 'scope is empty', put(''), wrong],
    [
      'scope-two-spaces',
      'scopes are set apart by single spaces',
      'limits.scopes',
      'scope has two spaces',
      put('events.read  events.write'),
      wrong,
    ],
    [
      'scope-twice',
      'a scope comes once',
      'limits.scopes',
      'a scope comes twice',
      put('events.read events.read'),
      wrong,
    ],
    [
      'scope-quote',
      'a scope is a scope token of OAuth',
      'limits.scopes',
      'a scope has a quote',
      put('events."read"'),
      wrong,
    ],
    ['scope-list', 'scope is a String', 'token.claims', 'scope is an array', put(['events.read']), wrong],
    [
      'scope-65',
      'scope has at most 64 names',
      'limits.scopes',
      'scope has 65 names',
      put(Array.from({ length: 65 }, (_, n) => `s${n}`).join(' ')),
      wrong,
    ],
  ]
}
