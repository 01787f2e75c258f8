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
import { causesOf, covering, explain, signedAs, withQuery } from './explain-signature.test.fixture.js'

type Case = readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]

describe('each usual mistake is named, alone', () => {
  const port = { ...get, authority: 'calendar.example' }
  const altered = (body: string, of = '{"title":"lunch"}'): ReceivedMessage => ({
    ...send(post(of)),
    body: new TextEncoder().encode(body),
  })
  const cases: ReadonlyArray<readonly [expected: string, message: ReceivedMessage, change?: Partial<ExplainOptions>]> =
    [
      ['authority-port @ @authority', signedAs(port, '@authority', 'calendar.example:443')],
      ['authority-port @ @authority', send({ ...get, headers: [] }), { authorities: ['calendar.example:8443'] }],
      [
        'authority-case @ @authority',
        signedAs({ ...get, headers: [['Host', 'Calendar.Example']] }, '@authority', 'Calendar.Example'),
      ],
      ['authority-case @ @authority', signedAs(get, '@authority', 'CALENDAR.EXAMPLE')],
      [
        'authority-host @ @authority',
        send({ ...get, authority: 'inner.example:8080', headers: [['Host', 'inner.example:8080']] }),
      ],
      [
        'authority-host @ @authority',
        send({ ...get, authority: 'inner.example', headers: [['Host', 'Inner.example:443']] }),
      ],
      [
        'authority-forwarded @ @authority',
        send({ ...get, authority: 'front.example', headers: [...get.headers, ['X-Forwarded-Host', 'front.example']] }),
      ],
      [
        'authority-forwarded @ @authority',
        send({
          ...get,
          authority: 'front.example',
          headers: [...get.headers, ['Forwarded', 'for=1.2.3.4;host=front.example']],
        }),
      ],
      ['authority-scheme @ @authority', signedAs(get, '@authority', 'https://calendar.example')],
      [
        'authority-other @ @authority',
        signedAs(get, '@authority', 'b.example'),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['path-slash @ @path', signedAs(get, '@path', '/events/')],
      ['path-slash @ @path', signedAs({ ...get, target: '/events/' }, '@path', '/events')],
      ['path-decoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my events')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/my%20events' }, '@path', '/my%2520events')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/a%2Fb' }, '@path', '/a%2fb')],
      ['path-encoded @ @path', signedAs({ ...get, target: '/caf%c3%a9' }, '@path', '/caf%C3%A9')],
      ['path-with-query @ @path', signedAs(withQuery('?a=b'), '@path', '/events?a=b')],
      [
        'path-forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Forwarded-Prefix', '/api']] }, '@path', '/api/events'),
      ],
      [
        'path-forwarded @ @path',
        signedAs({ ...get, headers: [...get.headers, ['X-Original-URL', '/v1/events?x']] }, '@path', '/v1/events'),
      ],
      ['query-mark @ @query', signedAs(withQuery('?a=b'), '@query', 'a=b')],
      ['query-empty @ @query', signedAs(withQuery('?a=b'), '@query', '?')],
      ['query-empty @ @query', signedAs(withQuery('?a=b'), '@query', '')],
      ['query-order @ @query', signedAs(withQuery('?b=2&a=1'), '@query', '?a=1&b=2')],
      ['query-space @ @query', signedAs(withQuery('?q=a+b'), '@query', '?q=a%20b')],
      ['query-space @ @query', signedAs(withQuery('?q=a%20b'), '@query', '?q=a+b')],
      ['query-decoded @ @query', signedAs(withQuery('?q=a%2Cb'), '@query', '?q=a,b')],
      ['query-encoded @ @query', signedAs(withQuery('?q=%C3%A9'), '@query', '?q=%25C3%25A9')],
      ['method @ @method', signedAs(get, '@method', 'get')],
      ['method @ @method', signedAs(get, '@method', 'HEAD')],
      ['method @ @method', signedAs(post(), '@method', 'GET')],
      ['scheme @ @scheme', signedAs({ ...get, components: [...get.components, '"@scheme"'] }, '@scheme', 'http')],
      [
        'path-slash @ @path',
        send({
          ...get,
          components: [...get.components, '"@target-uri"'],
          values: { '"@path"': '/events/', '"@target-uri"': 'https://calendar.example/events/' },
        }),
      ],
      ['content-type @ content-type', signedAs(post(), 'content-type', 'application/json; charset=utf-8')],
      [
        'content-type @ content-type',
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
        'content-type @ content-type',
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
        'content-digest @ content-digest',
        signedAs(post('{}'), 'content-digest', `sha-512=:${digestOf('{}', 'sha512')}:`),
      ],
      ['header-case @ x-name', signedAs(covering('x-name', 'One'), 'x-name', 'one')],
      ['header-spacing @ x-name', signedAs(covering('x-name', 'a   b'), 'x-name', 'a b')],
      ['header-spacing @ x-name', signedAs(covering('x-name', 'a'), 'x-name', ' a')],
      ['header-lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'a,b')],
      ['header-lines @ x-name', signedAs(covering('x-name', 'a', 'b'), 'x-name', 'b')],
      [
        'old-signature-key @ signature-key',
        signedAs(
          get,
          'signature-key',
          `sig=(scheme=hwk alg="Ed25519" kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`,
        ),
      ],
      [
        'old-signature-key @ signature-key',
        signedAs(get, 'signature-key', `sig=(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")`),
      ],
      ['signature-key-spelling @ signature-key', signedAs(get, 'signature-key', inlineKey)],
      [
        'signature-key-spelling @ signature-key',
        signedAs(get, 'signature-key', `sig=${inlineKey.replaceAll(';', '; ')}`),
      ],
      ...wrongParameters(),
      ['body-altered @ content-digest', altered('{"title":"dinner"}')],
      ['body-altered @ content-digest', altered('{"title":"lunch"}\n')],
      ['header-missing @ signature', withHeader(send(get), 'signature', undefined)],
      ['header-malformed @ signature', withLine(send(get), 'Signature', headerOf(send(get), 'signature'))],
      ['header-malformed @ signature-input', withHeader(send(get), 'signature-input', 'sig=("@method"')],
      ['header-malformed @ signature', withHeader(send(get), 'signature', 'sig=?1')],
      [
        'label-mismatch @ signature',
        withHeader(send(get), 'signature', headerOf(send(get), 'signature').replace('sig=', 'sig1=')),
      ],
      [
        'signature-encoding @ signature',
        withHeader(
          send(get),
          'signature',
          headerOf(send(get), 'signature').replaceAll('+', '-').replaceAll('/', '_').replace('==:', ':'),
        ),
      ],
      [
        'old-signature-key @ signature-key',
        send({ ...get, signatureKey: `(scheme=hwk kty="OKP" crv="Ed25519" x="${inlineKey.slice(-44, -1)}")` }),
      ],
      ['scheme-unknown @ signature-key', send({ ...get, signatureKey: 'x509;x5u="https://a.example"' })],
      ['key-refused @ signature-key', send({ ...get, signatureKey: 'hwk;kty="OKP";crv="Ed25519";x="AAAA"' })],
      ['target-refused @ @path', send({ ...get, target: '/a/../b' })],
      [
        'authority-not-served @ @authority',
        send({ ...get, headers: [['Host', 'c.example']] }),
        { authorities: ['calendar.example', 'b.example'] },
      ],
      ['component-not-covered @ @path', send({ ...get, components: ['"@method"', '"@authority"', '"signature-key"'] })],
      ['component-not-covered @ @query', send({ ...get, target: '/events?a=b' })],
      [
        'component-not-covered @ x-name',
        send({ ...get, headers: [...get.headers, ['X-Name', 'a']] }),
        { requiredComponents: ['x-name'] },
      ],
      ['component-missing @ x-name', withHeader(send(covering('x-name', 'a')), 'x-name', undefined)],
      ['query-covered @ @query', send({ ...get, components: [...get.components, '"@query"'] })],
      ['created-missing @ created', send({ ...get, parameters: ';nonce="abc"' })],
      ['clock @ created', send({ ...get, parameters: `;created=${NOW - 3600}` })],
      ['clock @ created', send({ ...get, parameters: `;created=${NOW + 61}` })],
      ['expired @ expires', send({ ...get, parameters: `;created=${NOW - 30};expires=${NOW - 1}` })],
      ['algorithm @ alg', send({ ...get, parameters: `;created=${NOW};alg="ecdsa-p256-sha256"` })],
      ['unsigned', { method: 'GET', target: '/events', headers: get.headers }],
    ]
  test.each(cases.map(one => ({ name: one[0], one })))(
    '$name ($#)',
    async ({ one: [expected, message, change = {}] }) => {
      expect(await causesOf(message, change)).toEqual([expected])
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
    [`parameters-order${at}`, received(`${list};nonce="abc";created=${NOW}`)],
    [`parameters-spelling${at}`, received(`${list};created="${NOW}";nonce="abc"`)],
    [`parameters-spelling${at}`, received(`${list};created=${NOW};nonce=abc`)],
    [`parameters-spelling${at}`, received(`${list}; created=${NOW}; nonce="abc"`)],
    [`parameters-added${at}`, received(`${list};created=${NOW}`)],
    [`created-changed${at}`, received(`${list};created=${NOW - 1};nonce="abc"`)],
  ]
}

/** A draft whose `@signature-params` is exactly this. */
function signedParameters(text: string): Pick<Draft, 'components' | 'parameters'> {
  const end = text.indexOf(')') + 1
  return { components: text.slice(1, end - 1).split(' '), parameters: text.slice(end) }
}
