import fc from 'fast-check'
import {
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  importSigningKey,
  importVerifyKey,
  type SigningKey,
  type StructuredFieldTypes,
  type VerifyKey,
  verifyMessage,
} from './index.js'
import { ed25519 } from './message/http-message.test.fixture.js'

export const key: SigningKey = await importSigningKey(ed25519)
export const verifier: VerifyKey = await importVerifyKey(key.publicJwk)
export const now = (): number => 1_750_000_000
export const types: StructuredFieldTypes = { dict: 'dictionary' }

const characters = (allowed: RegExp): string[] =>
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(character => allowed.test(character))
export const textOf = (allowed: RegExp, lengths: { minLength?: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters(allowed)), ...lengths })

const method = fc.oneof(
  fc.constantFrom('GET', 'POST', 'M-SEARCH'),
  textOf(/[!#$%&'*+.^_`|~0-9A-Za-z-]/, { minLength: 1, maxLength: 8 }),
)
const path = textOf(/[!$&-;=@-Z_a-z~%]/, { maxLength: 20 }).map(text => `/${text.replace(/^\/+/, '')}`)
const query = fc.option(
  textOf(/[!$&-;=?-Z_a-z~%]/, { maxLength: 20 }).map(text => `?${text}`),
  { nil: '' },
)
const authority = fc.tuple(fc.domain(), fc.constantFrom('', ':8443', ':1')).map(([host, port]) => host + port)
export const latin1: fc.Arbitrary<string> = textOf(/[\t\x20-\x7e\x80-\xff]/, { maxLength: 20 })
const ascii = textOf(/[\t\x20-\x7e]/, { maxLength: 20 })
const dictionary = fc.dictionary(fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,5}$/), fc.nat(), { minKeys: 1, maxKeys: 4 })

const headers = fc
  .record({
    plain: fc.array(ascii, { minLength: 1, maxLength: 3 }),
    binary: fc.array(latin1, { minLength: 1, maxLength: 3 }),
    dict: dictionary.map(members =>
      Object.entries(members)
        .map(([name, value]) => `${name}=${value}`)
        .join(',  '),
    ),
  })
  .map(
    ({ plain, binary, dict }): Array<readonly [string, string]> => [
      ...plain.map(value => ['X-Plain', value] as const),
      ['Dict', dict],
      ...binary.map(value => ['x-BINARY', value] as const),
    ],
  )

const body = fc.option(fc.uint8Array({ minLength: 1, maxLength: 30 }), { nil: undefined })

export const request: fc.Arbitrary<HttpRequestMessage> = fc
  .record({ method, path, query, authority, headers, body })
  .map(parts => ({
    method: parts.method,
    target: parts.path + parts.query,
    scheme: 'https',
    authority: parts.authority,
    headers: parts.headers,
    ...(parts.body === undefined ? {} : { body: parts.body }),
  }))

const response: fc.Arbitrary<HttpResponseMessage> = fc
  .record({ status: fc.integer({ min: 100, max: 599 }), headers, body, request })
  .map(({ body: bytes, ...rest }) => ({ ...rest, ...(bytes === undefined ? {} : { body: bytes }) }))

const fields = ['x-plain', '"x-plain";bs', '"x-binary";bs', 'dict', '"dict";sf'] as const
const derived = ['@method', '@authority', '@scheme', '@target-uri', '@request-target', '@path', '@query'] as const
const ofRequest = [...derived.map(name => `"${name}"`), ...fields]
const ofResponse = [
  '@status',
  ...fields,
  ...ofRequest.map(identifier => (identifier.startsWith('"') ? `${identifier};req` : `"${identifier}";req`)),
]

/** A message and what of it is signed. */
export interface Case {
  readonly message: HttpMessage
  readonly components: readonly string[]
}

export const aCase: fc.Arbitrary<Case> = fc.oneof(
  fc.record({ message: request, components: fc.shuffledSubarray(ofRequest, { minLength: 1 }) }),
  fc.record({ message: response, components: fc.shuffledSubarray(ofResponse, { minLength: 1 }) }),
)

export function verified({ message, components }: Case): Promise<unknown> {
  return verifyMessage({ message, key: () => verifier, requiredComponents: components, structuredFields: types, now })
}
