import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { type Draft, digestMember, requiredComponents, signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { changeHeader } from '../wire/message.js'
import { type EndpointStage, endpointVaried } from './endpoint-stage.js'

const group = 'signature'
const refusal = refusals.signature
const other = Buffer.from('request_type=other')
const fields = ['signature-key', 'signature-input', 'signature']

const created = (change: (time: number) => string) => (draft: Draft) => ({
  ...draft,
  parameters: draft.parameters.replace(/created=(\d+)/, (_, time: string) => change(Number(time))),
})

const covering = (change: (components: string[]) => string[]) => (draft: Draft) => ({
  ...draft,
  components: change(requiredComponents(draft)),
})

/** Writes a parameter of that length into `Signature-Key`. */
const noted = (length: number) => (draft: Draft) => ({
  ...draft,
  keyMember: `${draft.keyMember};note="${'x'.repeat(length)}"`,
})

/** Covers as many components: those that must be covered, and fields of their own. */
const coveringAsMany = (count: number) => (draft: Draft) => {
  const required = requiredComponents(draft)
  const fields = Array.from({ length: count - required.length }, (_, at) => `x-field-${at}`)
  return {
    ...draft,
    headers: [...draft.headers, ...fields.map(name => [name, 'x'] as const)],
    components: [...required, ...fields.map(name => `"${name}"`)],
  }
}

/** What a token endpoint demands of the signature of every request. */
export const signedEndpointCases: readonly Case<EndpointStage>[] = [
  endpointVaried({
    id: 'SIG-02',
    group,
    refusal: { status: 401 },
    refused: fields.map(field => ({
      fault: `${field} is missing`,
      sent: request => changeHeader(request, field, () => undefined),
    })),
  }),
  endpointVaried({
    id: 'SIG-04',
    words: 'Where that label is missing in either header',
    group,
    refusal,
    refused: fields.map(field => ({
      fault: `${field} has another label than the other two headers`,
      sent: request => changeHeader(request, field, value => value.replace(/^sig=/, 'sig1=')),
    })),
  }),
  endpointVaried({
    id: 'COV-02',
    group,
    refusal,
    refused: ['"@method"', '"@authority"', '"@path"', '"signature-key"'].map(component => ({
      fault: `${component} is not covered`,
      draft: covering(components => components.filter(one => one !== component)),
    })),
  }),
  endpointVaried({
    id: 'COV-03',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key got another parameter on the way',
        sent: request => changeHeader(request, 'signature-key', value => `${value};note="x"`),
      },
    ],
  }),
  endpointVaried({
    id: 'COV-11',
    group,
    refusal,
    refused: [{ fault: '@method is covered twice', draft: covering(components => [...components, '"@method"']) }],
  }),
  endpointVaried({
    id: 'COV-22',
    words: 'must never come from `Host`',
    group,
    refusal: { status: [401, 421] },
    refused: [
      {
        fault: 'it was signed for evil.example, and Host says so too',
        draft: draft => ({
          ...draft,
          authority: 'evil.example',
          headers: draft.headers.map(([name, value]) => [name, name === 'host' ? 'evil.example' : value]),
        }),
      },
      { fault: 'it was signed for evil.example', draft: draft => ({ ...draft, authority: 'evil.example' }) },
    ],
  }),
  endpointVaried({
    id: 'token.unreadable',
    words: 'otherwise `invalid_agent_token`',
    group,
    refusal: refusals.agentToken,
    refused: ['a', 'a.b', 'a.b.c', 'W10.e30.AA'].map(text => ({
      fault: `typ of the token "${text}" cannot be read`,
      draft: draft => ({ ...draft, keyMember: `jwt;jwt="${text}"` }),
    })),
  }),
  endpointVaried({
    id: 'TIM-01',
    group,
    refusal,
    refused: [
      {
        fault: 'created is missing',
        draft: draft => ({ ...draft, parameters: draft.parameters.replace(/;created=\d+/, '') }),
      },
    ],
  }),
  endpointVaried({
    id: 'TIM-03',
    group,
    refusal,
    refused: [-62, 63, 3600].map(seconds => ({
      fault: `created is ${Math.abs(seconds)} s ${seconds < 0 ? 'ago' : 'ahead'}`,
      draft: created(time => `created=${time + seconds}`),
    })),
  }),
  endpointVaried({
    id: 'TIM-04',
    group,
    clauses: ['sig.headers.status'],
    refusal,
    refused: [
      { fault: 'created is a String', draft: created(time => `created="${time}"`) },
      { fault: 'created is a Date', draft: created(time => `created=@${time}`) },
    ],
  }),
  endpointVaried({
    id: 'KEY-09',
    group,
    clauses: ['error.invalid-signature'],
    refusal,
    refused: [
      { fault: 'another key has signed', draft: draft => ({ ...draft, key: makeKey() }) },
      {
        fault: 'the signature is all zero',
        draft: draft => ({ ...draft, signature: bytes => Buffer.alloc(bytes.length) }),
      },
      {
        fault: 'the signature has 63 bytes',
        draft: draft => ({ ...draft, signature: bytes => bytes.subarray(0, 63) }),
      },
    ],
  }),
  endpointVaried({
    id: 'sig.headers.tag',
    group,
    refusal,
    refused: [
      {
        fault: 'the selected signature has a tag',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};tag="x"` }),
      },
    ],
  }),
  {
    id: 'sig.replay.token-endpoints',
    group,
    clauses: ['NON-01'],
    async run(trial, stage) {
      let sent = signDraft(stage.right())
      await trial.control('a right request', () => {
        sent = signDraft(stage.right())
        return sent
      })
      await trial.refused('the same bytes come again', sent, refusals.replay)
    },
  },
  endpointVaried({
    id: 'limits.signature-key',
    group,
    accepted: [{ fault: 'Signature-Key has a parameter more, and under 7 KiB', draft: noted(6500) }],
    refusal: { status: [401, 431], error: ['invalid_signature', 'invalid_request'] },
    refused: [{ fault: 'Signature-Key has over 7 KiB', draft: noted(7200) }],
  }),
  endpointVaried({
    id: 'limits.components',
    group,
    accepted: [{ fault: '32 components are covered', draft: coveringAsMany(32) }],
    refusal,
    refused: [{ fault: '33 components are covered', draft: coveringAsMany(33) }],
  }),
]

/** What a token endpoint demands where requests have a body. */
export const signedBodyCases: readonly Case<EndpointStage>[] = [
  endpointVaried({
    id: 'COV-08',
    words: ['exactly when there are body bytes', '`"content-type"` | when there are body bytes'],
    group,
    refusal,
    refused: ['"content-type"', '"content-digest"'].map(component => ({
      fault: `${component} is not covered`,
      draft: covering(components => components.filter(one => one !== component)),
    })),
  }),
  endpointVaried({
    id: 'DIG-01',
    words: 'must match the body bytes',
    group,
    clauses: ['sig.headers.status'],
    refusal,
    refused: [
      { fault: 'Content-Digest is malformed', draft: draft => ({ ...draft, digest: 'sha-256=x' }) },
      { fault: 'the digest is that of other bytes', draft: draft => ({ ...draft, digest: digestMember(other) }) },
      { fault: 'the one digest is md5', draft: draft => ({ ...draft, digest: 'md5=:YWJjZGVmZ2hpamtsbW5vcA==:' }) },
    ],
  }),
  endpointVaried({
    id: 'DIG-02',
    words: 'must match the body bytes',
    group,
    refusal,
    refused: [{ fault: 'the body was replaced on the way', sent: request => ({ ...request, body: other }) }],
  }),
]
