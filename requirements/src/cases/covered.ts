import { type AttackCase, built } from './attack-case.js'

/** COV: covered components and the signature base. */
export const coveredCases: readonly AttackCase[] = [
  built('COV-01', 'sig.covered.always', 'A valid signature over an empty list is refused.'),
  built('COV-02', 'sig.covered.always', 'A signature that leaves out any one required component is refused.'),
  built('COV-03', 'sig.covered.always', 'An uncovered `signature-key` cannot be swapped for another identity.'),
  built('COV-04', 'sig.covered.query', 'An uncovered query is refused.'),
  built('COV-05', 'sig.covered.query', 'A covered `@query` on a target without `?` is refused.'),
  built('COV-08', 'sig.covered.body', 'A body whose type or digest is not covered is refused.'),
  built('COV-09', 'sig.covered.body-absent', 'A covered digest without a body is refused.'),
  built('COV-10', 'sig.covered.order', 'Components in any order are accepted.'),
  built('COV-11', 'sig.covered.once', 'A component listed twice is refused.'),
  built('COV-12', 'sig.covered.always', 'Other components do not stand in for the required ones.'),
  built('COV-13', 'sig.authority.target-uri', '`@target-uri` and `@scheme` may be covered besides, and are checked.'),
  built('COV-14', 'sig.covered.parameters', 'A component with parameters in place of the plain one is refused.'),
  built('COV-15', 'sig.covered.known', 'An unknown derived component, `@status` or `@signature-params` is refused.'),
  built('COV-16', 'sig.covered.known', 'A covered field that the message does not have is refused.'),
  built('COV-17', 'sig.covered.more', 'An ordinary field may be covered besides, on one line or several.'),
  built('COV-18', 'sig.covered.known', 'A component name that is no lowercase field name is refused.'),
  built('COV-19', 'sig.covered.always', 'A request sent with another method than it was signed with is refused.'),
  built('COV-20', 'sig.method.override', 'A method-override header or field never changes what is executed.'),
  built('COV-22', 'sig.authority.configured', 'A request signed for another host is refused even when `Host` says so.'),
  built('COV-23', 'sig.authority.configured', 'Forwarded headers have no effect on the signature base.'),
  built('COV-24', 'sig.target.form', 'Two `Host` lines and absolute-form targets answer 400.'),
  built('COV-25', 'sig.authority.configured', 'Only the canonical form of the authority verifies.'),
  built('COV-27', 'sig.authority.configured', 'A request captured at one participant does not verify at another.'),
  built('COV-28', 'sig.target.raw', 'A path re-encoded in flight is refused.'),
  built('COV-30', 'sig.target.raw', 'A trailing slash added in flight is refused and no redirect repeats the request.'),
  built('COV-32', 'sig.target.raw', 'A query reordered, re-encoded or extended in flight is refused.'),
  built('COV-34', 'sig.target.form', 'A fragment in the raw target answers 400.'),
  built('COV-35', 'sig.target.form', 'NUL, bad UTF-8, backslash and huge paths are refused without a server error.'),
  built('COV-36', 'sig.covered.more', 'Space inside a covered value counts; space around it does not.'),
  built('COV-37', 'sig.covered.more', 'A folded line in a covered field answers 400.'),
  built('COV-39', 'sig.headers.dictionary', 'A line break inside a field value cannot forge a line of the base.'),
  built('COV-42', 'sig.parameters.kept', 'A signature parameter altered in flight is refused.'),
  built('COV-43', 'sig.covered.always', 'An injected uncovered header changes nothing about who may do what.'),
]

/** DIG: the body and its digest. */
export const digestCases: readonly AttackCase[] = [
  built('DIG-01', 'sig.digest.match', 'A wrong digest, correctly signed, is refused and no handler runs.'),
  built('DIG-02', 'sig.digest.match', 'A body swapped under intact headers is refused before it is parsed.'),
  built('DIG-03', 'sig.covered.body', 'A digest covered but missing, or there but uncovered, or neither, is refused.'),
  built('DIG-04', 'sig.digest.algorithms', 'A digest of unknown or weak algorithms only is refused, never skipped.'),
  built('DIG-05', 'sig.digest.algorithms', 'A sha-512 digest alone, or sha-256 beside an unknown one, is accepted.'),
  built('DIG-08', 'sig.digest.algorithms', 'A digest that is no Byte Sequence of the right length is refused.'),
  built('DIG-09', 'sig.covered.body', '`Repr-Digest` and the old `Digest` do not stand in for `Content-Digest`.'),
  built(
    'DIG-11',
    'error.body-too-large',
    'Nothing inflates a compressed body: endpoints refuse it, handlers have it as it came, a parser stops at its limit.',
  ),
  built('DIG-12', 'sig.body.bytes', 'A chunked body without a covered digest is refused.'),
  built('DIG-13', 'sig.body.bytes', 'A body on GET, HEAD or DELETE without a covered digest is refused.'),
  built('DIG-14', 'sig.body.bytes', 'A POST without body bytes needs the base components only.'),
  built('DIG-15', 'error.invalid-request', 'Contradicting body framings answer 400 and close the connection.'),
  built('DIG-17', 'sig.digest.match', 'The digest is over the raw bytes, never over a re-serialised body.'),
  built('DIG-18', 'sig.body.bytes', 'A pipelined second request is verified on its own.'),
  built('DIG-19', 'sig.body.whole-head', 'A body framed by header lines that a platform drops reaches no handler.'),
]

/** TIM: `created`, `expires`, time. */
export const timeCases: readonly AttackCase[] = [
  built('TIM-01', 'sig.created.required', 'A signature without `created` is refused.'),
  built('TIM-02', 'sig.created.window', '`created` exactly 60 seconds before or after now is accepted.'),
  built('TIM-03', 'sig.created.window', '`created` 61 seconds or more away from now is refused.'),
  built('TIM-04', 'sig.created.required', '`created` of any type but Integer is refused.'),
  built('TIM-06', 'sig.created.window', 'Negative, zero, millisecond and oversized values of `created` are refused.'),
  built('TIM-08', 'sig.expires', '`expires` in the past, before `created` or no Integer is refused.'),
  built('TIM-09', 'sig.expires', 'A late `expires` does not save an old `created`.'),
  built('TIM-10', 'sig.created.window', 'A contradicting `Date` header has no effect.'),
  built('TIM-11', 'sig.created.tolerance', 'A tolerance outside 1 to 300 seconds fails at construction.'),
]
