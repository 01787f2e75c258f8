/** Keys whose private halves are printed in specifications, by their thumbprints (RFC 7638). Anyone can sign with them. */
const published: ReadonlySet<string> = new Set([
  // RFC 9421 B.1.1 to B.1.4; the drafts of Web Bot Auth sign with B.1.2 and B.1.4.
  'BHj8s0GPnMEQtkaULIM-PLgEhLBbuGUQ1vMxmBWZzEo',
  'oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA',
  'ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI',
  'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U',
  // RFC 7515 A.2 and A.3.
  'IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8',
  'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
  // RFC 7517 A.2; the second is also that of RFC 7638 §3.1.
  'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s',
  'NzbLsXh8uDCcd-6MNwXf4W_7noWXFZAfHkxZRGC9Xs',
  // RFC 8032 §7.1, tests 1, 2, 3, 1024 and SHA(abc); the first is also that of RFC 8037 A.1.
  'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  'FtIu-VbGrfe_KB6CH7GNwODB72MNxj_ml11dEvO-7kk',
  'FVV5umTuau890q59V-4Ga_R6qWb7ON_ivJc4EjvCwTM',
  'lZI1vM7tnlYapaF5-cy86ptx0tT_8Av721hhiNB5ti4',
  'iiDHHfFVNG6ICMUTsicgrWf1igtFYZEK73xlobt1ah4',
  // RFC 6979 A.2.5 and A.2.6.
  'DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0',
  'l2tfkSzhekdOr24I18E1O_-49AlK14MTo7OxJMS7-HI',
  // The ES256 key of the debugger at jwt.io.
  '19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8',
])

/**
 * Whether a key is one of those that specifications print with their private halves. It identifies nobody.
 * @param thumbprint of RFC 7638
 * @see protocol §10
 */
export function isTestKey(thumbprint: string): boolean {
  return published.has(thumbprint)
}
