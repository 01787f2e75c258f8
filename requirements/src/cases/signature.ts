import { type AttackCase, built } from './attack-case.js'

/** SIG: headers, labels, structured fields. */
export const signatureCases: readonly AttackCase[] = [
  built('SIG-01', 'sig.required', 'An unsigned request to a guarded route gets 401 and a challenge; no handler runs.'),
  built('SIG-02', 'sig.headers.all', 'A request that lacks any one of the three headers is refused, never downgraded.'),
  built('SIG-03', 'sig.headers.dictionary', 'A header that is empty or only spaces is refused without a server error.'),
  built('SIG-04', 'sig.headers.label', 'Labels that differ between the three headers are refused.'),
  built(
    'SIG-05',
    'sig.headers.one-member',
    'A second member of `Signature-Key` is refused even where the first verifies.',
  ),
  built('SIG-06', 'sig.headers.one-member', 'A second label is refused; no search for one that verifies takes place.'),
  built('SIG-08', 'sig.headers.duplicates', 'The same label on two header lines is refused whatever the server joins.'),
  built('SIG-10', 'sig.headers.label', 'A label that is no legal key is refused and its case is never folded.'),
  built('SIG-11', 'sig.headers.label', 'An unusual but legal label is accepted.'),
  built('SIG-13', 'sig.key.legacy', 'Every variant of the parenthesised spelling is refused.'),
  built('SIG-14', 'sig.key.parameters', 'Brackets, quotes and semicolons inside a String stay one exact value.'),
  built('SIG-15', 'sig.key.parameters', 'A parameter that is not a String is refused, never turned into one.'),
  built('SIG-16', 'sig.headers.dictionary', 'A signature that is not a well-formed Byte Sequence is refused.'),
  built('SIG-17', 'sig.headers.dictionary', 'A `Signature-Input` that is no Inner List of Strings is refused.'),
  built(
    'SIG-18',
    'sig.headers.dictionary',
    'Control and non-ASCII bytes in the headers are refused and split no log line.',
  ),
  built('SIG-21', 'sig.headers.all', 'A header spelt with an underscore is never read in place of the signed one.'),
  built('SIG-23', 'sig.target.h2', 'The same request gets the same verdict over HTTP/1.1 and HTTP/2.'),
]
