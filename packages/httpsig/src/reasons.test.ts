import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import {
  fromRequest,
  HttpSigError,
  type HttpSigReason,
  importVerifyKey,
  openSignature,
  parseSignatureKey,
  type ReceivedMessage,
  type VerifyMessageOptions,
  verifyMessage,
  verifySignature,
} from './index.js'
import { fromNode, keepBody } from './node.js'
import { messageReasons, signatureReasons } from './reason/reasons.js'
import {
  type Draft,
  get,
  headerOf,
  inlineKey,
  NOW,
  options,
  post,
  privateMembers,
  send,
  withHeader,
  withLine,
} from './signed-message.test.fixture.js'

// One refusal for each reason, so that a name cannot move to another fault. That everything is refused that must be is tested elsewhere.

const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: privateMembers.x })

const verified = async (message: ReceivedMessage): Promise<void> =>
  verifySignature(openSignature(message, options), key)

const covering = (component: string, value = 'a'): Draft => ({
  ...get,
  components: [...get.components, component],
  headers: [...get.headers, ['X-Name', value]],
})
const withParameters = (parameters: string): ReceivedMessage => send({ ...get, parameters })
const withKey = (signatureKey: string): ReceivedMessage => send({ ...get, signatureKey })
const without = (name: string): ReceivedMessage => withHeader(send(get), name, undefined)
const changed = (message: ReceivedMessage, name: string, change: (value: string) => string): ReceivedMessage =>
  withHeader(message, name, change(headerOf(message, name)))

const general = (message: ReceivedMessage, change: Partial<VerifyMessageOptions> = {}): Promise<unknown> =>
  verifyMessage({
    message: { ...message, scheme: 'https', authority: 'calendar.example' },
    key: () => key,
    requiredComponents: [],
    now: () => NOW,
    ...change,
  })

/** A request of Node with these header lines, whose body has not come yet. */
function incoming(...lines: ReadonlyArray<readonly [string, string]>): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  Object.assign(request, { method: 'POST', url: '/events', rawHeaders: lines.flat() })
  return request
}

const limit = { bodyLimit: 10 } as const
const read = (...lines: ReadonlyArray<readonly [string, string]>): Promise<unknown> =>
  fromNode(incoming(...lines), limit)

async function readFailing(fail: (request: IncomingMessage) => void): Promise<unknown> {
  const request = incoming(['Transfer-Encoding', 'chunked'])
  setTimeout(() => fail(request), 5)
  return fromNode(request, limit)
}

async function readCompressed(): Promise<unknown> {
  const request = incoming(['Content-Encoding', 'gzip'])
  keepBody(request, new ServerResponse(request), new Uint8Array(2))
  return fromNode(request, limit)
}

const hidden = { method: 'GET', url: 'https://a.example/', headers: new Headers({ 'content-length': '2' }), body: null }

// A missing digest is a component that is not covered, or not there: only `explainSignature` names it otherwise.
const refusals: Readonly<Record<Exclude<HttpSigReason, 'digest_missing'>, () => Promise<unknown>>> = {
  request_cut_off: () => readFailing(request => request.emit('close')),
  body_unreadable: () => readFailing(request => request.emit('error', new Error('reset'))),
  body_too_large: () => read(['Content-Length', '11']),
  body_compressed: readCompressed,
  body_not_shown: () => fromRequest(hidden as unknown as Request, limit),
  body_framing_invalid: () => read(['Content-Length', '1'], ['Content-Length', '1']),
  header_lines_too_many: () => read(...Array.from({ length: 1000 }, () => ['X', 'y'] as const)),
  header_too_long: () => verified(withHeader(send(get), 'signature', `sig=:${'A'.repeat(8192)}:`)),
  header_value_invalid: () => verified(send(covering('"x-name"', 'a\nb'))),
  authority_ambiguous: () => verified(withLine(send(get), 'Host', 'calendar.example')),
  authority_not_served: async () =>
    openSignature(withHeader(send(get), 'host', 'c.example'), {
      ...options,
      authorities: ['calendar.example', 'b.example'],
    }),
  target_malformed: () => verified(send({ ...get, target: '/a/../b' })),
  method_malformed: () => verified(send({ ...get, method: 'get' })),
  signature_missing: () => general(send(get), { tag: 'another' }),
  signature_header_missing: () => verified(without('signature-input')),
  signature_header_repeated: () => verified(withLine(send(get), 'Signature-Key', `sig=${inlineKey}`)),
  signature_header_malformed: () => verified(withHeader(send(get), 'signature-input', 'sig=("@method"')),
  signature_label_missing: () => verified(changed(send(get), 'signature', value => value.replace('sig=', 'other='))),
  signature_label_repeated: () => verified(withLine(send(get), 'Signature', headerOf(send(get), 'signature'))),
  signature_tagged: () => verified(withParameters(`;created=${NOW};tag="web-bot-auth"`)),
  signatures_too_many: () =>
    verified(
      changed(send(get), 'signature', value => `${value}${Array.from('abcdefgh', x => `,${x}=:AA==:`).join('')}`),
    ),
  signature_key_malformed: () => verified(withKey(`"hwk"`)),
  signature_key_parameter_missing: () => verified(withKey('jwt')),
  signature_key_old_spelling: () => verified(withKey('(scheme=hwk kty="OKP")')),
  scheme_unsupported: () => verified(withKey('x509;x5u="https://a.example"')),
  key_unacceptable: () => verified(withKey('hwk;kty="OKP";crv="Ed25519";x="AAAA"')),
  key_unknown: () => general(send(get), { key: () => undefined }),
  algorithm_unsupported: () => verified(withParameters(`;created=${NOW};alg="rsa-v1_5-sha256"`)),
  algorithm_mismatched: () => verified(withParameters(`;created=${NOW};alg="ES256"`)),
  component_not_covered: () => verified(send({ ...get, target: '/events?a=b' })),
  component_missing: () => verified(withHeader(send(covering('"x-name"')), 'x-name', undefined)),
  component_repeated: () => verified(send({ ...get, components: [...get.components, '"@path"'] })),
  component_unsupported: () => verified(send(covering('"x-name";tr'))),
  component_value_invalid: () => verified(send(covering('"x-name"', '\xe9'))),
  components_too_many: () =>
    verified(send({ ...get, components: [...get.components, ...Array.from({ length: 29 }, (_, i) => `"x-${i}"`)] })),
  query_missing: () => verified(send({ ...get, components: [...get.components, '"@query"'] })),
  body_missing: () => verified({ ...send(post()), body: new Uint8Array() }),
  parameter_repeated: () => verified(withParameters(`;created=${NOW};created=${NOW}`)),
  signature_parameter_malformed: () => verified(withParameters(`;created="${NOW}"`)),
  created_missing: () => verified(withParameters(';nonce="a"')),
  created_in_future: () => verified(withParameters(`;created=${NOW + 61}`)),
  created_too_old: () => verified(withParameters(`;created=${NOW - 61}`)),
  signature_expired: () => verified(withParameters(`;created=${NOW - 2};expires=${NOW - 1}`)),
  expires_before_created: () => general(withParameters(`;created=${NOW};expires=${NOW - 1}`)),
  authority_mismatched: () => general({ ...send(get), target: 'https://b.example/events' }),
  digest_malformed: () => verified(digested('sha-256=abc')),
  digest_unsupported: () => verified(digested('md5=:AAAA:')),
  digest_wrong: () => verified({ ...send(post('{}')), body: new TextEncoder().encode('[]') }),
  signature_malformed: () => verified(withHeader(send(get), 'signature', 'sig=?1')),
  signature_wrong: () => verified({ ...send(get), target: '/other' }),
}

/** A request with a body whose Content-Digest, covered by its signature, is `value`. */
function digested(value: string): ReceivedMessage {
  const draft = post()
  const headers = draft.headers.map(([name, sent]) => [name, name === 'Content-Digest' ? value : sent] as const)
  return send({ ...draft, headers })
}

test.each(Object.entries(refusals))(
  '%s is the reason of its refusal, with one of its codes',
  async (reason, refusal) => {
    const error: unknown = await refusal().then(
      () => 'accepted',
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ name: 'HttpSigError', reason })
    const { codes } = { ...messageReasons, ...signatureReasons }[reason as HttpSigReason]
    expect(codes).toContain(error instanceof HttpSigError && error.code)
  },
)

test('a Signature-Key over its limit is refused as a request, and as such has the reason of a long header', () => {
  expect(() => parseSignatureKey('a'.repeat(8000))).toThrow(
    expect.objectContaining({ code: 'invalid_request', reason: 'header_too_long' }),
  )
})
