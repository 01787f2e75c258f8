import { gzipSync } from 'node:zlib'
import { signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  delegate,
  granted,
  post,
  resourceToken,
  type Signer,
  send,
  type World,
  world,
} from '@countersign/testing/auth/world'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

/** The answer to a form of which `TOKEN` and `REFRESH` stand for a good resource and refresh token. */
async function answerTo(form: string, options: { contentType?: string; target?: string } = {}) {
  const { made, phone, fill } = await prepared()
  const refused = await refusalOf(await send(made, phone, fill(form), options))
  // The twin: the same caller with a good request is still served.
  expect((await ask(made, phone)).status).toBe(200)
  return refused
}

async function prepared(): Promise<{ made: World; phone: Signer; fill: (form: string) => string }> {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const { refresh_token } = await granted(await ask(made, phone))
  const token = await resourceToken(made, phone)
  return { made, phone, fill: form => form.replaceAll('TOKEN', token).replaceAll('REFRESH', refresh_token) }
}

test.each([
  ['', 'invalid_request', 'request_type_missing'],
  ['request_type=', 'invalid_request', 'request_type_missing'],
  ['resource_token=TOKEN', 'invalid_request', 'request_type_missing'],
  ['request_type=AUTH&resource_token=TOKEN', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=auth%20&resource_token=TOKEN', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=code&code=x', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=exchange&upstream_token=x', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=device_auth&scope=openid', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=device_code&device_code=x', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=backchannel_auth', 'unsupported_request_type', 'request_type_unsupported'],
  ['request_type=__proto__', 'unsupported_request_type', 'request_type_unsupported'],
])(
  verifies('TOK-01', 'token-endpoint.request-type', 'error.unsupported-request-type', 'error.reason', '"%s" is %s'),
  async (form, error, reason) => {
    expect(await answerTo(form === '' ? 'x=y' : form)).toEqual(plain(400, error, reason))
  },
)

test.each([
  'request_type=auth&request_type=auth&resource_token=TOKEN',
  'request_type=auth&request_type=refresh&resource_token=TOKEN',
  'request_type=auth&resource_token=TOKEN&resource_token=TOKEN',
  'request_type=auth&resource_token=TOKEN&resource%5Ftoken=',
  'request_type=refresh&refresh_token=REFRESH&refresh_token=REFRESH',
  'request_type=refresh&refresh_token=REFRESH&scope=events.read&scope=events.read',
  'request_type=auth&resource_token=TOKEN&x=1&x=2',
])(verifies('TOK-02', 'token-endpoint.once', 'a parameter given twice is refused: %s'), async form => {
  expect(await answerTo(form)).toMatchObject(plain(400, 'invalid_request'))
})

test.each([
  ['request_type[0]=auth&resource_token=TOKEN', 'invalid_request', 'request_type_missing'],
  ['request_type=refresh&refresh_token[]=REFRESH', 'invalid_request', 'parameter_missing'],
  ['request_type=refresh&refresh_token[$ne]=x', 'invalid_request', 'parameter_missing'],
  ['request_type=refresh&refresh_token=[object Object]', 'invalid_grant', 'grant_invalid'],
])(
  verifies('TOK-03', 'token-endpoint.form', "brackets in a parameter's name have no meaning: %s"),
  async (form, error, reason) => {
    expect(await answerTo(form)).toEqual(plain(400, error, reason))
  },
)

test.each(['/agent/token?request_type=auth', '/agent/token?x=1', '/agent/token?refresh_token=x'])(
  verifies('TOK-04', 'token-endpoint.url', 'parameters in the URL are refused: %s'),
  async target => {
    expect(await answerTo('request_type=auth&resource_token=TOKEN', { target })).toEqual(
      plain(400, 'invalid_request', 'parameters_in_url'),
    )
  },
)

test.each([
  'application/json',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/x-www-form-urlencoded; charset=utf-7',
  'application/x-www-form-urlencoded, application/json',
])(verifies('TOK-05', 'error.media-type', 'a body of %s is refused'), async contentType => {
  const form = 'request_type=auth&resource_token=TOKEN'
  expect(await answerTo(form, { contentType })).toMatchObject(plain(415, 'invalid_request'))
})

test(verifies('TOK-05', 'error.media-type', 'a body without a Content-Type, or with two, is refused'), async () => {
  const { made, phone, fill } = await prepared()
  const form = new TextEncoder().encode(fill('request_type=auth&resource_token=TOKEN'))
  const type = ['content-type', 'application/x-www-form-urlencoded'] as const
  const sent = async (types: ReadonlyArray<readonly [string, string]>, covered = types) => {
    const headers: Array<readonly [string, string]> = [['host', 'auth.example'], ...covered]
    const signed = await signRequest({
      method: 'POST',
      url: 'https://auth.example/agent/token',
      headers,
      body: form,
      key: phone.key,
      signatureKey: phone.signatureKey,
      now: () => made.clock.now,
    })
    const message = { method: 'POST', target: '/agent/token', body: form, peer: '192.0.2.7' }
    return made.auth.handle({ ...message, headers: [['host', 'auth.example'], ...types, ...signed] })
  }
  expect((await sent([type])).status).toBe(200)
  // Signed and taken away, or doubled, on the way; and so from the beginning.
  expect((await sent([], [type])).status).toBe(401)
  expect((await sent([type, type], [type])).status).toBe(401)
  expect(await refusalOf(await sent([type, type]))).toEqual(plain(415, 'invalid_request', 'content_type_unsupported'))
})

test(verifies('TOK-05', 'a charset of UTF-8 is fine'), async () => {
  const { made, phone, fill } = await prepared()
  const contentType = 'application/x-www-form-urlencoded;charset=UTF-8'
  const response = await send(made, phone, fill('request_type=auth&resource_token=TOKEN'), { contentType })
  expect(response.status).toBe(200)
})

test.each([
  [`request_type=auth&${Array.from({ length: 101 }, (_, index) => `p${index}=1`).join('&')}`, 400],
  ['request_type=auth&resource_token=%zz', 400],
  ['request_type=auth&resource_token=%', 400],
  ['request_type=auth&resource_token=%00', 400],
  ['request_type=auth&resource_token=%ff', 400],
  ['request_type=auth&resource_token=%ed%a0%80', 400],
])(verifies('TOK-07', 'bad encodings and sizes are refused: %.40s'), async (form, status) => {
  expect(await answerTo(form)).toMatchObject(plain(status, 'invalid_request'))
})

test(verifies('TOK-07', 'error.body-too-large', 'a body over 64 KiB is refused'), async () => {
  const form = `request_type=auth&resource_token=${'x'.repeat(65_536)}`
  expect(await answerTo(form)).toEqual(plain(413, 'invalid_request', 'body_too_large'))
})

test(verifies('TOK-07', 'bytes that are not UTF-8 are refused'), async () => {
  const made = await world()
  const response = await send(made, agentServer(made), new Uint8Array([0x61, 0x3d, 0xff]))
  expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_request'))
})

test.each([
  'request_type=auth',
  'request_type=auth&resource_token=&scope=',
  'request_type=auth&resource_token=TOKEN&scope=events.read',
  'request_type=auth&resource_token=TOKEN&auth_request_url=https://calendar.example/r',
  'request_type=auth&scope=openid&auth_request_url=https://calendar.example/r',
  'request_type=auth&resource_token=TOKEN&scope=openid&auth_request_url=https://calendar.example/r',
])(verifies('TOK-08', 'RST-12', 'auth.one-request', 'a request names exactly one access: %s'), async form => {
  expect(await answerTo(form)).toEqual(plain(400, 'invalid_request', 'parameters_conflicting'))
})

test('auth_request_url is refused as unsupported', async () => {
  const made = await world()
  const form = { request_type: 'auth', auth_request_url: 'https://agent.example/request' }
  const response = await send(made, agentServer(made), form)
  expect(response.status).toBe(400)
  expect(await bodyOf(response)).toEqual({
    error: 'invalid_request',
    reason: 'parameter_unsupported',
    error_description: 'This participant does not support a parameter of the request, or its value: auth_request_url',
  })
})

test(verifies('token-endpoint.unknown', 'unknown parameters are ignored and empty ones are absent'), async () => {
  const { made, phone, fill } = await prepared()
  const form = 'request_type=auth&resource_token=TOKEN&scope=&auth_request_url=&colour=blue&agent=https://evil.example'
  expect((await send(made, phone, fill(form))).status).toBe(200)
})

test(verifies('DIG-11', 'error.media-type', 'a compressed form is refused, not inflated'), async () => {
  const { made, phone, fill } = await prepared()
  const form = fill('request_type=auth&resource_token=TOKEN')
  const wire = await post(made, phone, new Uint8Array(gzipSync(form)))
  const coded = { ...wire, headers: [...wire.headers, ['content-encoding', 'gzip'] as const] }
  expect(await refusalOf(await made.auth.handle(coded))).toMatchObject(plain(415, 'invalid_request'))
  expect((await send(made, phone, form)).status).toBe(200)
})

test(verifies('DOS-08', 'the length of `state` is limited in its encoded form'), async () => {
  const { made, phone, fill } = await prepared()
  const status = async (more: string): Promise<number> =>
    (await send(made, phone, `${fill('request_type=auth&resource_token=TOKEN')}${more}`)).status
  expect(await status(`&state=${'s'.repeat(512)}`)).toBe(200)
  expect(await status(`&state=${'%26'.repeat(170)}`)).toBe(200)
  expect(await status(`&state=${'s'.repeat(513)}`)).toBe(400)
  expect(await status(`&state=${'%26'.repeat(171)}`)).toBe(400)
})

test(
  verifies('TOK-34', 'token-endpoint.answer', 'a refusal is JSON that is not cached, and shows no internals'),
  async () => {
    const secret = 'no such table: "grants" at /srv/auth.ts:12'
    const made = await world({
      policy: () => {
        throw new Error(secret)
      },
    })
    const phone = await delegate(made, 'phone')
    const resource_token = await resourceToken(made, phone)
    made.down.add('https://away.example')
    const away = await resourceToken(made, phone, { claims: { iss: 'https://away.example' } })
    const form = (more: Record<string, string>) => send(made, phone, { request_type: 'auth', ...more })
    const unsigned = { method: 'POST', target: '/agent/token', headers: [['host', 'auth.example']] as const }
    const answers = [
      await form({ resource_token }),
      await form({ resource_token: away }),
      await form({ resource_token: `${resource_token.slice(0, -4)}"<b>` }),
      await form({ scope: '"' }),
      await send(made, phone, { request_type: '"; drop table grants' }),
      await send(made, phone, 'request_type=%zz'),
      await send(made, phone, '{}', { contentType: 'application/json' }),
      await send(made, phone, { request_type: 'refresh', refresh_token: "' or 1=1 --" }),
      await made.auth.handle(unsigned),
      await made.auth.handle({ ...unsigned, method: 'GET' }),
      await made.auth.handle({ ...unsigned, target: '/agent/nothing' }),
      await send(made, phone, { token: '' }, { target: '/agent/revoke' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([500, 503, 400, 400, 400, 400, 415, 400, 401, 405, 404, 400])
    for (const answer of answers) {
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      const text = await answer.text()
      const { error, error_description, ...more } = JSON.parse(text)
      expect(error).toMatch(/^[a-z_]+$/)
      expect(error_description).toMatch(/^[\w ,;:.'()%/-]+$/)
      expect(['reason', 'required_components', 'algs']).toEqual(expect.arrayContaining(Object.keys(more)))
      for (const inner of ['table', '/srv', 'drop', '1=1', '<b>', 'refused', resource_token])
        expect(text).not.toContain(inner)
    }
  },
)
