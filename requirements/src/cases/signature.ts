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
  built('SIG-24', 'sig.headers.others', 'A request with a valid second label is accepted as its own label says.'),
  built(
    'SIG-26',
    'sig.headers.no-fallback',
    'A broken selected signature is refused beside a valid one of the same key.',
  ),
  built('SIG-27', 'sig.headers.label', 'A label of `Signature-Key` changed in flight to that of a proxy is refused.'),
  built('SIG-30', 'sig.headers.others', 'Another member of any Structured Field type is accepted unseen.'),
  built(
    'SIG-31',
    'sig.headers.dictionary',
    'A field that as a whole does not parse is refused without a server error.',
  ),
  built('SIG-33', 'sig.headers.one-member', 'Two members of `Signature-Key`, on one line or on two, are refused.'),
  built(
    'SIG-34',
    'sig.headers.lost',
    'A request whose `Signature-Key` was lost on the way is not served as anonymous.',
  ),
  built('SIG-35', 'sig.headers.duplicates', 'A parameter repeated in another member is refused.'),
  built('SIG-36', 'sig.headers.others', 'No other label reaches an API, an MCP server, an event or an explanation.'),
]
