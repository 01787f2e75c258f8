import type { Case, Variation } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { requiredComponents, signDraft } from '../signing/draft.js'
import { addHeaders, changeHeader, type WireRequest } from '../wire/message.js'
import { appended, eachField, relabelled, signatureFields } from './header-changes.js'
import { callerFor, draftFor, inlineKey, lowestRoute, pseudonym, type ResourceStage } from './stage.js'
import { varied, withKeyParameter } from './variations.js'

const group = 'signature'
const refusal = refusals.signature
/** Bytes that an HTTP parser may refuse before any verifier sees them. */
const badBytes: Refusal = { status: [400, 401], orClosed: true }

/** SIG: the three headers, their labels and their syntax. */
export const signatureCases: readonly Case<ResourceStage>[] = [
  {
    id: 'SIG-01',
    words: 'Where a signature is needed, a request without one must be refused',
    group,
    clauses: ['challenge.every-401'],
    async run(trial, stage) {
      const route = lowestRoute(stage)
      const draft = draftFor(stage, route, callerFor(stage, route))
      await trial.control('the request with its signature', () =>
        signDraft(draftFor(stage, route, callerFor(stage, route))),
      )
      const { method, target, headers, body } = draft
      await trial.refused(
        'the request has no signature',
        { method, target, headers, body },
        {
          status: 401,
          challenge: ['httpsig'],
        },
      )
    },
  },
  varied({
    id: 'SIG-02',
    group,
    refusal,
    refused: eachField(
      field => `${field} is missing`,
      () => undefined,
    ),
  }),
  varied({
    id: 'SIG-03',
    group,
    refusal,
    refused: [
      ...eachField(
        field => `${field} is empty`,
        () => '',
      ),
      ...eachField(
        field => `${field} is only spaces`,
        () => '   ',
      ),
    ],
  }),
  varied({
    id: 'SIG-04',
    words: 'Where that label is missing in either header',
    group,
    refusal,
    refused: signatureFields.map(field => ({
      fault: `${field} has another label than the other two headers`,
      sent: request => changeHeader(request, field, relabelled('sig1')),
    })),
  }),
  varied({
    id: 'SIG-05',
    words: 'must have exactly one member',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key has a second member with a key, which the signature covers',
        draft: draft => ({ ...draft, keyMember: `${draft.keyMember}, sig2=${inlineKey(pseudonym().key.jwk)}` }),
      },
      {
        fault: 'Signature-Key has the same member twice, which the signature covers',
        draft: draft => ({ ...draft, keyMember: `${draft.keyMember}, sig=${draft.keyMember}` }),
      },
    ],
  }),
  varied({
    id: 'SIG-33',
    words: 'on exactly one line',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key has two lines, which the signature covers',
        draft: draft => {
          const line = `sig2=${inlineKey(pseudonym().key.jwk)}`
          return {
            ...draft,
            headers: [...draft.headers, ['signature-key', line]],
            values: { '"signature-key"': `${line}, ${draft.label}=${draft.keyMember}` },
          }
        },
      },
      {
        fault: 'a second line of Signature-Key was added on the way',
        sent: request => addHeaders(request, ['signature-key', `sig2=${inlineKey(pseudonym().key.jwk)}`]),
      },
    ],
  }),
  varied({
    id: 'SIG-08',
    words: 'a label or a parameter that comes twice',
    group,
    refusal,
    refused: (['Signature-Input', 'Signature'] as const).map(field => ({
      fault: `${field} has the same label on two lines`,
      sent: request => ({
        ...request,
        headers: request.headers.flatMap(line =>
          line[0].toLowerCase() === field.toLowerCase() ? [line, line] : [line],
        ),
      }),
    })),
  }),
  varied({
    id: 'SIG-10',
    words: 'any legal one of at most 64 characters',
    group,
    refusal: { ...refusal, orClosed: true, status: [400, 401], error: ['invalid_signature', 'invalid_request'] },
    refused: ['SIG', '1sig', '-x', '', 's'.repeat(65), 's\xe9'].map(label => ({
      fault: `the label is ${label === '' ? 'empty' : label.length > 20 ? 'of 65 characters' : label}`,
      draft: draft => ({ ...draft, label }),
    })),
  }),
  varied({
    id: 'SIG-11',
    words: 'must take any legal one of at most 64 characters',
    group,
    accepted: ['*a.b-c_1', 'x', '*', 's'.repeat(64)].map(label => ({
      fault: `the label is ${label.length > 20 ? 'of 64 characters' : label}`,
      draft: draft => ({ ...draft, label }),
    })),
  }),
  varied({
    id: 'SIG-16',
    group,
    refusal,
    refused: [
      { fault: 'Signature has no colon at its end', sent: cut(value => value.slice(0, -1)) },
      { fault: 'Signature is in the base64url alphabet', sent: cut(value => value.replace(/:..../, ':-_-_')) },
      { fault: 'Signature has a space inside', sent: cut(value => value.replace(/:(....)/, ':$1 ')) },
      { fault: 'Signature is a String', sent: cut(value => value.replace(/:(.*):/, '"$1"')) },
      { fault: 'Signature is an Inner List', sent: cut(value => value.replace(/=(:.*:)/, '=($1)')) },
    ],
  }),
  varied({
    id: 'SIG-17',
    group,
    refusal,
    refused: [
      { fault: 'Signature-Input is a Token', sent: input(value => value.replace(/\(.*?\)/, 'token')) },
      { fault: 'Signature-Input is a String', sent: input(value => value.replace(/\(.*?\)/, '"text"')) },
      { fault: 'Signature-Input is an Integer', sent: input(value => value.replace(/\(.*?\)/, '1')) },
      {
        fault: 'the components are Tokens',
        draft: draft => ({
          ...draft,
          components: requiredComponents(draft).map(component => component.replaceAll('"', '')),
        }),
      },
    ],
  }),
  varied({
    id: 'SIG-18',
    group,
    refusal: badBytes,
    refused: [
      ['NUL', '\0'],
      ['a bare CR', '\r'],
      ['a bare LF', '\n'],
      ['an octet over 127', '\xff'],
      ['UTF-8', '\xc3\xa9'],
    ].flatMap(([name, byte = '']) =>
      signatureFields.map(
        (field): Variation => ({ fault: `${field} holds ${name}`, sent: appended(field, `;x="${byte}"`) }),
      ),
    ),
  }),
  varied({
    id: 'SIG-21',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key is spelt Signature_Key',
        sent: request => ({
          ...request,
          headers: request.headers.map(([name, value]) => [name === 'signature-key' ? 'signature_key' : name, value]),
        }),
      },
    ],
  }),
  varied({
    id: 'SIG-31',
    group,
    refusal,
    refused: signatureFields.flatMap(field =>
      [', =', ', x=(', ',', ', X=1'].map(text => ({
        fault: `${field} ends with ${text}`,
        sent: appended(field, text),
      })),
    ),
  }),
  varied({
    id: 'SIG-14',
    words: 'must ignore',
    group,
    accepted: ['a) b', 'a;jwt=y', 'a=b, sig2=c', 'a\\"b', 'a\\\\'].map(text => ({
      fault: `an unknown parameter of Signature-Key is "${text}"`,
      draft: withKeyParameter(`note="${text}"`),
    })),
  }),
  varied({
    id: 'SIG-15',
    words: 'must be Strings, each once',
    group,
    refusal,
    refused: ['=token', '=1', '=:YQ==:', '', '=?0'].map(value => ({
      fault: `the first parameter of Signature-Key ${value === '' ? 'has no value' : `is ${value}`}`,
      draft: draft => ({ ...draft, keyMember: draft.keyMember.replace(/;([a-z]+)="[^"]*"/, `;$1${value}`) }),
    })),
  }),
  varied({
    id: 'SIG-13',
    words: 'must refuse it, and the description must name the form above',
    group,
    refusal: { status: 401, error: ['unsupported_scheme', 'invalid_signature'] },
    refused: [
      '(scheme=hwk kty="OKP")',
      '(kty="OKP" scheme=hwk)',
      '(kty="OKP")',
      '(scheme=hwk scheme=jwt)',
      '(scheme=hwk kty="OKP"',
      '(scheme=hwk)x',
    ].map(text => ({
      fault: `Signature-Key is sig=${text}`,
      draft: draft => ({ ...draft, keyMember: text }),
      ...(/^\(scheme=\w+ .*\)$/.test(text) ? { described: 'sig=' } : {}),
    })),
  }),
]

function cut(change: (value: string) => string): (request: WireRequest) => WireRequest {
  return request => changeHeader(request, 'signature', change)
}

function input(change: (value: string) => string): (request: WireRequest) => WireRequest {
  return request => changeHeader(request, 'signature-input', change)
}
