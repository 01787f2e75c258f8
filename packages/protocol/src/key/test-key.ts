/**
 * Keys whose private halves are printed in specifications. Anyone can sign with them. By the first 48 bits of their thumbprints
 * (RFC 7638): another key is taken for one of them once in 10¹³, and is refused as well.
 */
const published: ReadonlySet<string> = new Set([
  // RFC 9421 B.1.1 to B.1.4; the drafts of Web Bot Auth sign with B.1.2 and B.1.4.
  'BHj8s0GP',
  'oD0HwocP',
  'ydQXMtvb',
  'poqkLGiy',
  // RFC 7515 A.2 and A.3.
  'IsUn6_e0',
  'oKIywvGU',
  // RFC 7517 A.2; the second is also that of RFC 7638 §3.1.
  'cn-I_WNM',
  'NzbLsXh8',
  // RFC 8032 §7.1, tests 1, 2, 3, 1024 and SHA(abc); the first is also that of RFC 8037 A.1.
  'kPrK_qmx',
  'FtIu-VbG',
  'FVV5umTu',
  'lZI1vM7t',
  'iiDHHfFV',
  // RFC 6979 A.2.5 and A.2.6.
  'DOvxvJiA',
  'l2tfkSzh',
  // The ES256 key of the debugger at jwt.io.
  '19J8y7Zp',
])

/**
 * Whether a key is one of those that specifications print with their private halves. It identifies nobody.
 * @param thumbprint of RFC 7638
 * @see protocol §10
 */
export function isTestKey(thumbprint: string): boolean {
  return published.has(thumbprint.slice(0, 8))
}
