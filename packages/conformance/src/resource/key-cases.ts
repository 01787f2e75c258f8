import type { Case, Variation } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey, type TestAlgorithm } from '../signing/key.js'
import { makeLongExponentKey, makeRsaKey } from '../signing/rsa-key.js'
import { changeHeader, jsonBody, type WireRequest } from '../wire/message.js'
import { flipped } from './header-changes.js'
import { der, forged, malleable, negative, orderEight, point } from './key-bytes.js'
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

/** The names of RFC 9421 for the algorithms. */
const registered: Readonly<Record<TestAlgorithm, string>> = {
  Ed25519: 'ed25519',
  ES256: 'ecdsa-p256-sha256',
  ES384: 'ecdsa-p384-sha384',
  PS512: 'rsa-pss-sha512',
}

const accepts = (id: string, alg: TestAlgorithm, words?: string): Case<ResourceStage> =>
  varied({
    id,
    ...(words === undefined ? {} : { words }),
    group: `keys-${alg}`,
    needs: ['pseudonymous', alg],
    route,
    accepted: [
      { fault: `it is signed with ${alg}`, draft: draft => signedBy(pseudonym(alg))(draft) },
      ...[alg, registered[alg]].map(name => ({
        fault: `it is signed with ${alg}, and says so as ${name}`,
        draft: (draft: Draft) => withAlg('', name).draft?.(signedBy(pseudonym(alg))(draft)) ?? draft,
      })),
    ],
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
    words: ['JOSE names must be written everywhere', 'RFC 9421 names must be read, too'],
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
    id: 'sig.alg.rsa-size',
    group: 'keys-PS512',
    needs: ['pseudonymous', 'PS512'],
    route,
    caller: () => pseudonym('PS512'),
    refusal: badKey,
    refused: [
      { what: '1536 bits', make: () => makeRsaKey({ bits: 1536, exponent: 65537 }) },
      { what: 'the exponent 3', make: () => makeRsaKey({ bits: 2048, exponent: 3 }) },
      { what: 'the exponent 65535', make: () => makeRsaKey({ bits: 2048, exponent: 65535 }) },
      { what: 'an exponent of 9 bytes', make: makeLongExponentKey },
    ].map(({ what, make }) => ({
      fault: `the key has ${what}, and the signature is right`,
      draft: draft => signedBy(pseudonym('PS512', make()))(draft),
    })),
  }),
  varied({
    id: 'KEY-16',
    words: 'RSA keys must carry `alg`',
    group,
    needs,
    route,
    refusal: badKey,
    refused: [
      {
        fault: 'the inline RSA key has no alg',
        draft: draft => {
          const key = makeKey('PS512')
          const { alg: _, ...members } = key.jwk
          return { ...draft, key, keyMember: inlineKey(members) }
        },
      },
    ],
  }),
  varied({
    id: 'KEY-26',
    words: [
      'The key must be complete',
      'must also read a key of `kty` OKP or EC without `alg`',
      'must agree with `kty` and `crv`',
    ],
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
    id: 'sig.key.hwk.members',
    words: ['Where `use` is there, it must be `sig`', 'here it is an unknown parameter'],
    group,
    needs,
    clauses: ['sig.key.parameters'],
    route,
    accepted: ['use="sig"', 'key_ops="sign"', 'key_ops', 'kid=1', 'id=:AA==:', 'other=?0'].map(member =>
      withKey(`the inline key has ${member}`, draft => `${draft.keyMember};${member}`),
    ),
    refusal: badKey,
    refused: ['use="enc"', 'use=sig', 'n=1'].map(member =>
      withKey(`the inline key has ${member}`, draft => `${draft.keyMember};${member}`),
    ),
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
    clauses: ['error.unsupported-algorithm', 'challenge.algs', 'sig.alg.names'],
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
  accepts('sig.alg.optional', 'ES384', 'may support `ES384` and `PS512`'),
  accepts('KEY-28', 'PS512', 'may support `ES384` and `PS512`'),
]
