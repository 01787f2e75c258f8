import { describe, expect, test } from 'vitest'
import type { ExplainOptions, ReceivedMessage } from '../index.js'
import {
  type Draft,
  digestOf,
  get,
  headerOf,
  inlineKey,
  NOW,
  post,
  send,
  withHeader,
  withLine,
} from '../signed-message.test.fixture.js'
import { covering, explain, reasonsOf, signedAs, withQuery } from './explain-signature.test.fixture.js'

type Case = readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]

describe('each usual mistake is named, alone', () => {
  const port = { ...get, authority: 'calendar.example' }
  const altered = (body: string, of = '{"title":"lunch"}'): ReceivedMessage => ({
    ...send(post(of)),
    body: new TextEncoder().encode(body),
  })
  const cases: ReadonlyArray<readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]> =
    [
      ['authority_port @ @authority', signedAs(port, '@authority', 'calendar.example:443')],
      ['authority_port @ @authority', send({ ...get, headers: [] }), { authorities: ['calendar.example:8443'] }],
      [
        'authority_case @ @authority',
        signedAs({ ...get, headers: [['Host', 'Calendar.Example']] }, '@authority', 'Calendar.Example'),
      ],
      ['authority_case @ @authority', signedAs(get, '@authority', 'CALENDAR.EXAMPLE')],
      [
        'authority_of_host @ @authority',
        send({ ...get, authority: 'inner.example:8080', headers: [['Host', 'inner.example:8080']] }),
      ],
      [
        'authority_of_host @ @authority',
        send({ ...get, authority: 'inner.example', headers: [['Host', 'Inner.example:443']] }),
      ],
      [
        'authority_forwarded @ @authority',
        send({ ...get, authority: 'front.example', headers: [...get.headers, ['X-Forwarded-Host', 'front.example']] }),
      ],
      [
        'authority_forwarded @ @authority',
        send({
          ...get,
          authority: 'front.example',
          headers: [...get.headers, ['Forwarded', 'for=1.2.3.4;host=front.example']],
        }),
      ],
      ['authority_with_scheme @ @authority', signedAs(get, '@authority', 'https://calendar.example')],
      [
        'authority_of_another @ @authority',
        signedAs(get, '@authority', 'b.example'),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['path_slash @ @path', signedAs(get, '@path', '/events/')],
      ['path_slash @ @path', signedAs({ ...get, target: '/events/' }, '@path', '/events')],
      ['path_decoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my events')],
      ['path_encoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my%2520events')],
      ['path_encoded @ @path', signedAs({ ...get, target: '/a%2Fb' }, '@path', '/a%2fb')],
      ['path_encoded @ @path', signedAs({ ...get, target: '/caf%c3%a9' }, '@path', '/caf%C3%A9')],
      ['path_with_query @ @path', signedAs(withQuery('?a=b'), '@path', '/events?a=b')],
      [
        'path_forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Forwarded-Prefix', '/api']] }, '@path', '/api/events'),
      ],
      [
        'path_forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Original-URL', '/v1/events?x']] }, '@path', '/v1/events'),
      ],
      ['query_mark @ @query', signedAs(withQuery('?a=b'), '@query', 'a=b')],
      ['query_empty @ @query', signedAs(withQuery('?a=b'), '@query', '?')],
      ['query_empty @ @query', signedAs(withQuery('?a=b'), '@query', '')],
      ['query_order @ @query', signedAs(withQuery('?b=2&a=1'), '@query', '?a=1&b=2')],
      ['query_space @ @query', signedAs(withQuery('?q=a+b'), '@query', '?q=a%20b')],
      ['query_space @ @query', signedAs(withQuery('?q=a%20b'), '@query', '?q=a+b')],
      ['query_decoded @ @query', signedAs(withQuery('?q=a%2Cb'), '@query', '?q=a,b')],
      ['query_encoded @ @query', signedAs(withQuery('?q=%C3%A9'), '@query', '?q=%25C3%25A9')],
      ['method_changed @ @method', signedAs(get, '@method', 'get')],
      ['method_changed @ @method', signedAs(get, '@method', 'HEAD')],
      ['method_changed @ @method', signedAs(post(), '@method', 'GET')],
      [
        'scheme_changed @ @scheme',
        signedAs({ ...get, components: [...get.components, '"@scheme"'] }, '@scheme', 'http'),
      ],
      [
        'path_slash @ @path',
        send({
          ...get,
          components: [...get.components, '"@target-uri"'],
          values: { '"@path"': '/events/', '"@target-uri"': 'https://calendar.example/events/' },
        }),
      ],
      ['content_type_changed @ content-type', signedAs(post(), 'content-type', 'application/json; charset=utf-8')],
      [
        'content_type_changed @ content-type',
        signedAs(
          {
            ...post(),
            headers: [
              ...post().headers.slice(0, 1),
              ['Content-Type', 'Application/JSON; charset=utf-8'],
              ...post().headers.slice(2),
            ],
          },
          'content-type',
          'Application/JSON',
        ),
      ],
      [
        'content_type_changed @ content-type',
        signedAs(
          {
            ...post(),
            headers: [...post().headers.slice(0, 1), ['Content-Type', 'Application/JSON'], ...post().headers.slice(2)],
          },
          'content-type',
          'application/json',
        ),
      ],
      [
        'content_digest_changed @ content-digest',
        signedAs(post('{}'), 'content-digest', `sha-512=:${digestOf('{}', 'sha512')}:`),
      ],
      ['header_case @ x-name', signedAs(covering('x-name', 'One'), 'x-name', 'one')],
      ['header_spacing @ x-name', signedAs(covering('x-name', 'a   b'), 'x-name', 'a b')],
      ['header_spacing @ x-name', signedAs(covering('x-name', 'a'), 'x-name', ' a')],
      ['header_lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'a,b')],
      ['header_lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'b')],
      [
        'signature_key_spelling @ signature-key',
        signedAs(
          get,
          'signature-key',
          `sig=(scheme=hwk alg="Ed25519" kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`,
        ),
      ],
      [
        'signature_key_spelling @ signature-key',
        signedAs(get, 'signature-key', `sig=(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`),
      ],
      ['signature_key_spelling @ signature-key', signedAs(get, 'signature-key', inlineKey)],
      [
        'signature_key_spelling @ signature-key',
        signedAs(get, 'signature-key', `sig=${inlineKey.replaceAll(';', '; ')}`),
      ],
      ...wrongParameters(),
      ['digest_wrong @ content-digest', altered('{"title":"dinner"}')],
      ['digest_wrong @ content-digest', altered('{"title":"lunch"}\n')],
      ['signature_header_missing @ signature', withHeader(send(get), 'signature', undefined)],
      ['signature_label_repeated @ signature', withLine(send(get), 'Signature', headerOf(send(get), 'signature'))],
      ['signature_header_malformed @ signature-input', withHeader(send(get), 'signature-input', 'sig=("@method"')],
      ['signature_malformed @ signature', withHeader(send(get), 'signature', 'sig=?1')],
      [
        'signature_label_missing @ signature',
        withHeader(send(get), 'signature', headerOf(send(get), 'signature').replace('sig=', 'sig1=')),
      ],
      [
        'signature_encoding @ signature',
        withHeader(
          send(get),
          'signature',
          headerOf(send(get), 'signature').replaceAll('+', '-').replaceAll('/', '_').replace('==:', ':'),
        ),
      ],
      [
        'signature_key_old_spelling @ signature-key',
        send({ ...get, signatureKey: `(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")` }),
      ],
      ['scheme_unsupported @ signature-key', send({ ...get, signatureKey: 'x509;x5u="https://a.example"' })],
      ['key_unacceptable @ signature-key', send({ ...get, signatureKey: 'hwk;kty="OKP";crv="Ed25519";x="AAAA"' })],
      ['target_malformed @ @path', send({ ...get, target: '/a/../b' })],
      [
        'authority_not_served @ @authority',
        send({ ...get, headers: [['Host', 'c.example']] }),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['component_not_covered @ @path', send({ ...get, components: ['"@method"', '"@authority"', '"signature-key"'] })],
      ['component_not_covered @ @query', send({ ...get, target: '/events?a=b' })],
      [
        'component_not_covered @ x-name',
        send({ ...get, headers: [...get.headers, ['X-Name', 'a']] }),
        { requiredComponents: ['x-name'] },
      ],
      ['component_missing @ x-name', withHeader(send(covering('x-name', 'a')), 'x-name', undefined)],
      ['query_missing @ @query', send({ ...get, components: [...get.components, '"@query"'] })],
      ['created_missing @ created', send({ ...get, parameters: ';nonce="abc"' })],
      ['created_too_old @ created', send({ ...get, parameters: `;created=${NOW - 3600}` })],
      ['created_in_future @ created', send({ ...get, parameters: `;created=${NOW + 61}` })],
      ['signature_expired @ expires', send({ ...get, parameters: `;created=${NOW - 30};expires=${NOW - 1}` })],
      ['algorithm_mismatched @ alg', send({ ...get, parameters: `;created=${NOW};alg="ecdsa-p256-sha256"` })],
      ['signature_missing', { method: 'GET', target: '/events', headers: get.headers }],
    ]
  test.each(cases.map(one => ({ name: one[0], one })))(
    '$name ($#)',
    async ({ one: [expected, message, change = {}] }) => {
      expect(await reasonsOf(message, change)).toEqual([expected])
      const { verdict, findings } = await explain(message, change)
      expect(verdict).toBe('refused')
      expect(findings[0]?.change).toMatch(/^[\x20-\x7e]{10,260}$/)
    },
  )
})

function wrongParameters(): Case[] {
  const list = '("@method" "@authority" "@path" "signature-key")'
  const parameters = `;created=${NOW};nonce="abc"`
  const received = (signed: string): ReceivedMessage =>
    withHeader(send({ ...get, ...signedParameters(signed) }), 'signature-input', `sig=${list}${parameters}`)
  const at = ' @ @signature-params'
  return [
    [`parameters_order${at}`, received(`${list};nonce="abc";created=${NOW}`)],
    [`parameters_spelling${at}`, received(`${list};created="${NOW}";nonce="abc"`)],
    [`parameters_spelling${at}`, received(`${list};created=${NOW};nonce=abc`)],
    [`parameters_spelling${at}`, received(`${list}; created=${NOW}; nonce="abc"`)],
    [`parameters_added${at}`, received(`${list};created=${NOW}`)],
    [`created_changed${at}`, received(`${list};created=${NOW - 1};nonce="abc"`)],
  ]
}

/** A draft whose `@signature-params` is exactly this. */
function signedParameters(text: string): Pick<Draft, 'components' | 'parameters'> {
  const end = text.indexOf(')') + 1
  return { components: text.slice(1, end - 1).split(' '), parameters: text.slice(end) }
}
