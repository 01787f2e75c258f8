import type { Requirement } from '../requirement.js'
import { built, later } from './clause.js'

/** The signature of a request, its headers and the request as received: sections 3 to 3.3. */
export const signatureClauses: readonly Requirement[] = [
  built('sig.required', '3', 'A request without a signature where one is needed is refused before any handler runs.'),

  built('sig.headers.all', '3.1', 'All of `Signature-Input`, `Signature` and `Signature-Key` must be there.'),
  built(
    'sig.headers.dictionary',
    '3.1',
    'Each of the three headers is a Structured Field Dictionary, parsed strictly.',
  ),
  built('sig.headers.one-member', '3.1', '`Signature-Key` has exactly one member, on exactly one line.'),
  built(
    'sig.headers.label',
    '3.1',
    'The label of `Signature-Key`, any legal one, selects a member of the other two headers; missing in either refuses.',
  ),
  built(
    'sig.headers.others',
    '3.1',
    'Other members of `Signature-Input` and `Signature` are not looked at, shown or passed on.',
  ),
  built('sig.headers.no-fallback', '3.1', 'If the selected signature fails, the request fails.'),
  built(
    'sig.headers.limits',
    '3.1',
    '`Signature-Input` and `Signature`, lines joined, have at most 8 members and 8 KiB each.',
  ),
  built(
    'sig.headers.duplicates',
    '3.1',
    'A label or a parameter twice in one of the headers refuses, even where a parser would collapse it.',
  ),
  built(
    'sig.headers.lost',
    '3.1',
    'Without `Signature-Key` a signature without `tag` refuses, on anonymous routes too; only tagged ones are unsigned.',
  ),
  built('sig.headers.tag', '3.1', 'The selected signature has no parameter `tag`.'),
  built('sig.headers.anonymous', '3.1', 'A signature header on an anonymous route is verified in full, or refuses.'),
  built('sig.headers.status', '3.1', 'Faults in these headers or in `Content-Digest` answer 401, never 400.'),

  built('sig.key.scheme', '3.2', 'The scheme is a Token; an unknown one refuses with `unsupported_scheme`.'),
  built('sig.key.parameters', '3.2', 'Parameters of `Signature-Key` are Strings, each once; unknown ones are ignored.'),
  built('sig.key.no-private', '3.2', 'A private key member in `Signature-Key` refuses.'),
  built(
    'sig.key.hwk',
    '3.2',
    'An inline key is complete; its `alg` is always written, optional when read, and agrees with `kty` and `crv`.',
  ),
  built('sig.key.hwk.members', '3.2', '`use` of `hwk` is `sig`; `key_ops` has no form there and is ignored.'),
  built('sig.key.jwks-uri', '3.2', '`jwks_uri` needs `id`, `kid` and `dwk`, and `dwk` is always `aauth-agent`.'),
  built('sig.key.jwks-uri.lookup', '3.2', 'The key is the one with that `kid` in the JWKS the metadata of `id` names.'),
  built('sig.key.jwt', '3.2', 'The `jwt` scheme carries an agent token or an auth token, and nothing else.'),
  built(
    'sig.key.jwt-type',
    '3.2',
    'A JWT whose `typ` is no identity refuses with `unsupported_scheme` before any fetch, and a plain `typ` is named.',
  ),
  built('sig.key.legacy', '3.2', 'The parenthesised spelling is refused, and the description names the right form.'),
  later('sig.key.x509', '3.2', 'An `x509` key identifies an agent by its verified certificate chain.'),

  built('sig.target.raw', '3.3', 'The path and query that are verified are the raw request target, undecoded.'),
  built(
    'sig.target.form',
    '3.3',
    'An absolute target, `//` at the start, dot segments, `\\`, `#`, controls or non-ASCII answer 400.',
  ),
  built('sig.target.escapes', '3.3', 'Bad `%` escapes and `OPTIONS *` answer 400.'),
  built('sig.target.one-path', '3.3', 'One raw path string feeds signature base, router, limiter and upstream alike.'),
  built('sig.target.lone-query', '3.3', 'Agents drop a lone `?` before they sign.'),
  built('sig.target.h2', '3.3', 'In HTTP/2 the target is `:path` and the host is `:authority`.'),
  built('sig.body.bytes', '3.3', 'A body is bytes, however framed: HTTP/1.1, HTTP/2 or a stream.'),
  built(
    'sig.body.uncovered',
    '3.3',
    'When `content-digest` is not covered, the first byte of a body refuses the request.',
  ),
  built('sig.body.whole-head', '3.3', 'A header block of which a platform may have dropped lines answers 431.'),
  built('sig.body.head-first', '3.3', 'What the head alone refuses is refused before the body is read.'),
  built('sig.body.content-type', '3.3', 'A signed body without `Content-Type` is refused.'),
  built('sig.method.upper-case', '3.3', 'A method with a lower-case letter answers 400.'),
  built('sig.method.override', '3.3', 'Method-override headers are ignored.'),
  built(
    'sig.method.parameter',
    '3.3',
    'Where methods of a path have different rules, a parameter that names another method is refused before it is handed on.',
  ),
]
