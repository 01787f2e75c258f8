import type { Case, Variation } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey, type TestAlgorithm } from '../signing/key.js'
import { changeHeader, jsonBody, type WireRequest } from '../wire/message.js'
import { flipped } from './header-changes.js'
import { draftFor, inlineKey, pseudonym, type ResourceStage, routeOf, type Signer } from './stage.js'
import { varied } from './variations.js'

const group = 'keys'
const needs = ['pseudonymous']
const route = (stage: ResourceStage) => routeOf(stage, 'pseudonymous')
const refusal = refusals.signature
/** Whether a key is malformed or not acceptable is a matter of words. */
const badKey: Refusal = { status: 401, error: ['unsupported_algorithm', 'invalid_signature'] }

const signedBy = (signer: Signer) => (draft: Draft) => ({ ...draft, ...signer })
const withAlg = (fault: string, name: string): Variation => ({
  fault,
  draft: draft => ({ ...draft, parameters: `${draft.parameters};alg="${name}"` }),
})
const withKey = (fault: string, keyMember: (draft: Draft) => string): Variation => ({
  fault,
  draft: draft => ({ ...draft, keyMember: keyMember(draft) }),
})
const withBytes = (fault: string, signature: (bytes: Buffer) => Buffer): Variation => ({
  fault,
  draft: draft => ({ ...draft, signature }),
})

/** A point in base64url: 32 bytes of which the first and the last are given. */
const point = (first: number, last = 0): string =>
  Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? first : at === 31 ? last : 0))).toString(
    'base64url',
  )

/** A point of order 8, by its y coordinate. */
const orderEight = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'

/** The negative of a y coordinate. */
function negative(y: Buffer): Buffer {
  return Buffer.from(y.map((byte, at) => (at === 0 ? 0xed : at === 31 ? 0x7f : 0xff) - byte))
}

/** The neutral element and zero: R and S that make both sides of the equation neutral. */
const forged = Buffer.concat([Buffer.from(point(1), 'base64url'), Buffer.alloc(32)])

/** The order of the group of Ed25519, least significant byte first. */
const order = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

/** The same signature with its second half raised by the order of the group: it verifies where the half is not bounded. */
function malleable(bytes: Buffer): Buffer {
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
function der(bytes: Buffer): Buffer {
  const integer = (part: Buffer): Buffer => {
    const padded = (part[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), part]) : part
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  }
  const body = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

const accepts = (id: string, alg: TestAlgorithm): Case<ResourceStage> =>
  varied({
    id,
    group: `keys-${alg}`,
    needs: ['pseudonymous', alg],
    route,
    accepted: [{ fault: `it is signed with ${alg}`, draft: draft => signedBy(pseudonym(alg))(draft) }],
    refusal,
    refused: stage => [
      {
        fault: `a bit of the ${alg} signature is another`,
        draft: draft => ({ ...draft, ...pseudonym(alg), signature: bytes => flipped(bytes, stage) }),
      },
    ],
  })

/** KEY: inline keys, algorithms and the encoding of signatures. */
export const keyCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'sig.alg.names',
    group,
    needs,
    route,
    accepted: [withAlg('alg is the name of RFC 9421', 'ed25519'), withAlg('alg is the JOSE name', 'Ed25519')],
  }),
  varied({
    id: 'KEY-03',
    group,
    needs,
    route,
    refusal: badKey,
    refused: ['ecdsa-p256-sha256', 'ES256', 'rsa-pss-sha512'].map(name =>
      withAlg(`the key is Ed25519, and alg is ${name}`, name),
    ),
  }),
  varied({
    id: 'KEY-04',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      withAlg('alg is hmac-sha256', 'hmac-sha256'),
      withKey('the inline key is symmetric', () => 'hwk;kty="oct";k="YWJjZGVmZ2hpamtsbW5vcA"'),
      withKey('the inline key is symmetric, with alg', () => 'hwk;alg="HS256";kty="oct";k="YWJjZGVmZ2hpamtsbW5vcA"'),
    ],
  }),
  varied({
    id: 'KEY-05',
    group,
    needs,
    route,
    refusal: badKey,
    refused: ['none', 'rsa-v1_5-sha256', 'foo', ''].map(name => withAlg(`alg is "${name}"`, name)),
  }),
  varied({
    id: 'KEY-06',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      withKey('the inline key is X25519', draft => draft.keyMember.replace('crv="Ed25519"', 'crv="X25519"')),
      withKey('alg of the inline key is ECDH-ES', draft => draft.keyMember.replace('alg="Ed25519"', 'alg="ECDH-ES"')),
    ],
  }),
  varied({
    id: 'KEY-07',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      ...['P-256', 'secp256k1', 'Ed448'].map(crv =>
        withKey(`crv of the inline key is ${crv}`, draft => draft.keyMember.replace('crv="Ed25519"', `crv="${crv}"`)),
      ),
      withKey('the point of the inline key is not on its curve', () => {
        const { jwk } = makeKey('ES256')
        return inlineKey({ ...jwk, y: String(jwk['x']) })
      }),
    ],
  }),
  varied({
    id: 'KEY-09',
    group,
    needs,
    route,
    refusal,
    refused: [
      withBytes('the signature is raised by the order of the group', malleable),
      withBytes('the signature has 63 bytes', bytes => bytes.subarray(0, 63)),
      withBytes('the signature has 65 bytes', bytes => Buffer.concat([bytes, Buffer.from([0])])),
      withBytes('the signature is all zero', bytes => Buffer.alloc(bytes.length)),
      withBytes('the signature is empty', () => Buffer.alloc(0)),
    ],
  }),
  varied({
    id: 'KEY-12',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      withKey('x has 31 bytes', draft => draft.keyMember.replace(/x="[^"]*"/, `x="${point(1).slice(0, 41)}A"`)),
      withKey('x has 33 bytes', draft => draft.keyMember.replace(/x="([^"]*)"/, 'x="$1A"')),
      withKey('x is missing', draft => draft.keyMember.replace(/;x="[^"]*"/, '')),
      withKey('x is padded', draft => draft.keyMember.replace(/x="([^"]*)"/, 'x="$1="')),
    ],
  }),
  varied({
    id: 'KEY-14',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [withKey('the inline key has its private member', draft => inlineKey(draft.key.privateJwk()))],
  }),
  varied({
    id: 'KEY-15',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      ['of 1024 bits', 128, 'AQAB'],
      ['of 8192 bits', 1024, 'AQAB'],
      ['with the exponent 1', 256, 'AQ'],
    ].map(([name, bytes, e]) =>
      withKey(
        `the inline key is RSA ${name}`,
        () => `hwk;alg="PS512";kty="RSA";n="${Buffer.alloc(Number(bytes), 0xd5).toString('base64url')}";e="${e}"`,
      ),
    ),
  }),
  varied({
    id: 'KEY-16',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      withKey('the inline RSA key has no alg', () => {
        const { alg: _, ...members } = makeKey('PS512').jwk
        return inlineKey(members)
      }),
    ],
  }),
  varied({
    id: 'KEY-26',
    group,
    needs,
    route,
    accepted: [withKey('the inline key has no alg', draft => draft.keyMember.replace('alg="Ed25519";', ''))],
    refusal: badKey,
    refused: [
      withKey('kty is missing', draft => draft.keyMember.replace(';kty="OKP"', '')),
      withKey('crv is missing', draft => draft.keyMember.replace(';crv="Ed25519"', '')),
      withKey('alg is that of another curve', draft => draft.keyMember.replace('alg="Ed25519"', 'alg="ES256"')),
      withKey('kty is that of another curve', draft => draft.keyMember.replace('kty="OKP"', 'kty="EC"')),
      withKey('x stands twice', draft => draft.keyMember.replace(/(;x="[^"]*")/, '$1$1')),
    ],
  }),
  varied({
    id: 'sig.alg.points',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      ['the neutral element', point(1)],
      ['a point of order 2', Buffer.from(`ec${'ff'.repeat(30)}7f`, 'hex').toString('base64url')],
      ['a point of order 4', point(0)],
      ['a point of order 8', Buffer.from(orderEight, 'hex').toString('base64url')],
      ['another point of order 8', negative(Buffer.from(orderEight, 'hex')).toString('base64url')],
      ['not in its one encoding', Buffer.from(`ee${'ff'.repeat(30)}7f`, 'hex').toString('base64url')],
    ].map(([name = '', x = '']) => ({
      // Under such a key this signature verifies for any message, or for every second one.
      ...withKey(
        `x is ${name}, and the signature is forged`,
        () => `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${x}"`,
      ),
      sent: (request: WireRequest) => changeHeader(request, 'signature', () => `sig=:${forged.toString('base64')}:`),
    })),
  }),
  {
    id: 'KEY-27',
    group,
    needs,
    clauses: ['error.unsupported-algorithm', 'challenge.algs'],
    async run(trial, stage) {
      await trial.control('the request as it should be', () => signDraft(draftFor(stage, route(stage), pseudonym())))
      const keyMember = `hwk;alg="ES512";kty="EC";crv="P-521";x="${'A'.repeat(88)}";y="${'A'.repeat(88)}"`
      const response = await trial.refused(
        'the inline key is for ES512',
        () => signDraft({ ...draftFor(stage, route(stage), pseudonym()), keyMember }),
        refusals.algorithm,
      )
      const algs = response === undefined ? undefined : jsonBody(response)?.['algs']
      trial.holds('the answer has algs, an array with Ed25519', Array.isArray(algs) && algs.includes('Ed25519'))
    },
  },
  varied({
    id: 'KEY-08',
    group: 'keys-ES256',
    needs: ['pseudonymous', 'ES256'],
    route,
    caller: () => pseudonym('ES256'),
    refusal,
    refused: [
      withBytes('the signature is in DER', der),
      withBytes('r is 0', bytes => Buffer.concat([Buffer.alloc(32), bytes.subarray(32)])),
      withBytes('s is 0', bytes => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32)])),
      withBytes('s is all ones', bytes => Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32, 0xff)])),
      withBytes('the signature has 63 bytes', bytes => bytes.subarray(0, 63)),
      withBytes('the signature has 65 bytes', bytes => Buffer.concat([bytes, Buffer.from([0])])),
    ],
  }),
  accepts('sig.alg.supported', 'ES256'),
  accepts('sig.alg.optional', 'ES384'),
  accepts('KEY-28', 'PS512'),
]
