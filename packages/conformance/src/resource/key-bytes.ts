// Points and signatures that a verifier must refuse.

/** A point in base64url: 32 bytes of which the first and the last are given. */
export const point = (first: number, last = 0): string =>
  Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? first : at === 31 ? last : 0))).toString(
    'base64url',
  )

/** A point of order 8, by its y coordinate. */
export const orderEight = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'

/** The negative of a y coordinate. */
export function negative(y: Buffer): Buffer {
  return Buffer.from(y.map((byte, at) => (at === 0 ? 0xed : at === 31 ? 0x7f : 0xff) - byte))
}

/** The neutral element and zero: R and S that make both sides of the equation neutral. */
export const forged: Buffer = Buffer.concat([Buffer.from(point(1), 'base64url'), Buffer.alloc(32)])

/** The order of the group of Ed25519, least significant byte first. */
const order: Buffer = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

/** The same signature with its second half raised by the order of the group: it verifies where the half is not bounded. */
export function malleable(bytes: Buffer): Buffer {
  const raised = Buffer.from(bytes)
  let carry = 0
  for (let at = 0; at < 32; at++) {
    const sum = (raised[32 + at] ?? 0) + (order[at] ?? 0) + carry
    raised[32 + at] = sum & 0xff
    carry = sum >> 8
  }
  return raised
}

/** A signature r‖s in DER, as most libraries write it. */
export function der(bytes: Buffer): Buffer {
  const integer = (part: Buffer): Buffer => {
    const padded = (part[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), part]) : part
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  }
  const body = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}
