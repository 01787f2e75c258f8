import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Calendar, serveCalendar } from './calendar.test.fixture.js'
import { send, type Wire } from './wire.test.fixture.js'
import { asAgent, asKey, makeWorld, type Signer, signByHand, type World } from './world.test.fixture.js'

let world: World
let calendar: Calendar
let as: Signer
let now: number

beforeAll(async () => {
  world = await makeWorld()
  calendar = await serveCalendar(world.calendar())
  as = asKey(await generateSigningKey())
  now = Math.floor(world.clock.now)
})
afterAll(() => calendar.stop())

type Change = (wire: Wire) => Wire

const header =
  (name: string, change: (value: string) => string): Change =>
  wire => ({
    ...wire,
    headers: wire.headers.map(([key, value]) => (key === name ? [key, change(value)] : [key, value])),
  })
const without =
  (...names: string[]): Change =>
  wire => ({
    ...wire,
    headers: wire.headers.filter(([name]) => !names.includes(name)),
  })
const plus =
  (name: string, value: string): Change =>
  wire => ({ ...wire, headers: [...wire.headers, [name, value]] })
const renamed = (name: string, label: string) => header(name, value => value.replace(/^sig=/, `${label}=`))
const twice = (name: string) => header(name, value => `${value}, ${value.replace(/^sig=/, 'sig2=')}`)
const target =
  (to: string): Change =>
  wire => ({ ...wire, target: to })
const method =
  (to: string): Change =>
  wire => ({ ...wire, method: to })

/** Sends the request untouched, which passes, and then changed, which must not. */
async function expectRefusal(
  wire: Wire,
  change: Change,
  status: number | readonly number[],
  error: string | undefined,
) {
  const statuses = typeof status === 'number' ? [status] : status
  const accepted = await send(calendar.port, wire)
  expect(accepted.status, `the twin: ${accepted.body}`).toBe(200)
  const before = calendar.ran()
  const answer = await send(calendar.port, change(wire))
  expect(statuses, answer.body).toContain(answer.status)
  if (error !== undefined) expect(answer.error).toBe(error)
  if (answer.status === 401) expect(answer.headers.get('agent-auth')).toMatch(/^httpsig/)
  expect(calendar.ran(), 'no handler ran').toBe(before)
}

const get = (o: { target?: string } = {}) => world.request({ as, target: o.target ?? '/feed' })
const post = (body = '{"a":1}') => world.request({ as, target: '/feed', method: 'POST', body })

describe('headers and labels', () => {
  test.each([
    ['SIG-02', 'no Signature-Key', without('signature-key')],
    ['SIG-02', 'no Signature-Input', without('signature-input')],
    ['SIG-02', 'no Signature', without('signature')],
    ['SIG-01', 'none of the three', without('signature', 'signature-input', 'signature-key')],
    ['SIG-03', 'an empty Signature', header('signature', () => '')],
    ['SIG-03', 'an empty Signature-Input', header('signature-input', () => '  ')],
    ['SIG-03', 'an empty Signature-Key', header('signature-key', () => '')],
    ['SIG-04', 'another label in Signature', renamed('signature', 'sig1')],
    ['SIG-04', 'another label in Signature-Input', renamed('signature-input', 'sig1')],
    ['SIG-04', 'another label in Signature-Key', renamed('signature-key', 'sig1')],
    ['SIG-05', 'two members in Signature-Key', twice('signature-key')],
    ['SIG-06', 'two members in Signature', twice('signature')],
    ['SIG-06', 'two members in Signature-Input', twice('signature-input')],
    [
      'SIG-08',
      'two lines of Signature',
      (wire: Wire) => plus('signature', wire.headers.find(([n]) => n === 'signature')?.[1] ?? '')(wire),
    ],
    [
      'SIG-08',
      'two lines of Signature-Key',
      (wire: Wire) => plus('Signature-Key', wire.headers.find(([n]) => n === 'signature-key')?.[1] ?? '')(wire),
    ],
    ['SIG-15', 'a parameter that is no string', header('signature-key', value => value.replace(/x="[^"]*"/, 'x=abc'))],
    ['SIG-16', 'a Signature without its last colon', header('signature', value => value.slice(0, -1))],
    ['SIG-17', 'a Signature-Input that is a token', header('signature-input', () => 'sig=abc')],
  ])('[%s] %s', async (id, title, change) => {
    expect(verifies(id, title)).toContain(id)
    await expectRefusal(await get(), change, 401, 'invalid_signature')
  })

  test(verifies('SIG-10', 'labels that are no keys'), async () => {
    for (const label of ['SIG', '1sig', '-x', 'a'.repeat(300)]) {
      const all: Change = wire =>
        ['signature', 'signature-input', 'signature-key'].reduce((w, n) => renamed(n, label)(w), wire)
      await expectRefusal(await get(), all, 401, undefined)
    }
  })

  test(verifies('SIG-11', 'an odd but legal label passes'), async () => {
    const input = `("@method" "@authority" "@path" "signature-key");created=${now}`
    const answer = await send(calendar.port, await signByHand({ as, input, target: '/feed', label: '*a.b-c_1' }))
    expect(answer.status, answer.body).toBe(200)
  })

  test(verifies('SIG-18', 'controls and bytes beyond ASCII in a signature header'), async () => {
    for (const odd of ['\u0000', '\u00e9', '\u00c3\u00a9', '\u0001'])
      await expectRefusal(
        await get(),
        header('signature-key', value => value.replace('sig=', `sig=${odd}`)),
        [400, 401],
        undefined,
      )
  })

  test(verifies('SIG-21', 'an underscore spelling replaces nothing'), async () => {
    const other = asKey(await generateSigningKey())
    const foreign =
      (await world.request({ as: other, target: '/feed' })).headers.find(([n]) => n === 'signature-key')?.[1] ?? ''
    const answer = await send(calendar.port, plus('Signature_Key', foreign)(await get()))
    const plain = await send(calendar.port, await get())
    expect(JSON.parse(answer.body).aauth.key).toBe(JSON.parse(plain.body).aauth.key)
  })

  test(verifies('SCH-01', 'sig.key.legacy', 'unknown schemes and the older spelling'), async () => {
    const schemes = ['foo', 'HWK', 'jwk'].map(scheme =>
      header('signature-key', value => value.replace('=hwk', `=${scheme}`)),
    )
    for (const change of schemes) await expectRefusal(await get(), change, 401, 'unsupported_scheme')
    const legacy = header('signature-key', () => 'sig=(scheme=hwk kty="OKP")')
    await expectRefusal(await get(), legacy, 401, 'unsupported_scheme')
  })
})

describe('covered components', () => {
  const bare = '"@method" "@authority" "@path" "signature-key"'
  const by = (
    list: string,
    o: {
      target?: string
      authority?: string
      created?: number | string
      headers?: Array<[string, string]>
      body?: string
      method?: string
    } = {},
  ) =>
    signByHand({
      as,
      input: `(${list});created=${o.created ?? now}`,
      target: o.target ?? '/feed',
      ...(o.authority === undefined ? {} : { authority: o.authority }),
      ...(o.headers === undefined ? {} : { headers: o.headers }),
      ...(o.body === undefined ? {} : { body: o.body }),
      ...(o.method === undefined ? {} : { method: o.method }),
    })
  const accepted = async (wire: Wire) => {
    const answer = await send(calendar.port, wire)
    expect(answer.status, answer.body).toBe(200)
  }
  const refused = async (wire: Wire, status = 401, error = 'invalid_signature') => {
    const before = calendar.ran()
    const answer = await send(calendar.port, wire)
    expect([answer.status, answer.error]).toEqual([status, error])
    expect(calendar.ran()).toBe(before)
    return answer
  }

  test(
    verifies('COV-01', 'COV-02', 'error.required-components', 'every required component, and the answer names them'),
    async () => {
      await accepted(await by(bare))
      for (const list of [
        '',
        '"@authority" "@path" "signature-key"',
        '"@method" "@path" "signature-key"',
        '"@method" "@authority" "signature-key"',
        '"@method" "@authority" "@path"',
      ]) {
        const answer = await refused(await by(list))
        expect(JSON.parse(answer.body).required_components.toSorted()).toEqual([
          '@authority',
          '@method',
          '@path',
          'signature-key',
        ])
      }
    },
  )

  test(verifies('COV-10', 'COV-13', 'COV-17', 'order is free and more may be covered'), async () => {
    await accepted(await by('"signature-key" "@path" "@authority" "@method"'))
    await accepted(await by(`${bare} "@target-uri" "@scheme"`))
    const headers: Array<[string, string]> = [
      ['accept', ' text/html '],
      ['x-a', '1'],
      ['X-A', '2'],
    ]
    await accepted(await by(`${bare} "accept" "x-a"`, { headers }))
  })

  test(verifies('COV-04', 'COV-05', 'COV-12', '@query exactly when there is a query'), async () => {
    await accepted(await by(`${bare} "@query"`, { target: '/feed?a=b' }))
    await refused(await by(bare, { target: '/feed?a=b' }))
    await refused(await by(`${bare} "@query"`))
    await refused(await by(`${bare} "@query-param";name="a"`, { target: '/feed?a=b' }))
    await refused(await by('"@method" "@target-uri" "signature-key"'))
    await refused({ ...(await by(`${bare} "@query"`, { target: '/feed?a=b' })), target: '/feed?a=c' })
  })

  test(
    verifies(
      'COV-11',
      'COV-14',
      'COV-15',
      'COV-16',
      'COV-18',
      'no repeated, qualified, unknown, absent or misspelt component',
    ),
    async () => {
      await accepted(await by(bare))
      const lists = [
        `${bare} "@method"`,
        '"@method" "@authority" "@path" "signature-key";sf',
        '"@method" "@authority" "@path" "signature-key";bs',
        '"@method" "@authority" "@path" "signature-key";key="sig"',
        `"@method";req "@authority" "@path" "signature-key"`,
        `${bare} "@foo"`,
        `${bare} "@status"`,
        `${bare} "@signature-params"`,
        `${bare} "x-absent"`,
        `${bare} "Content-Type"`,
      ]
      for (const list of lists) await refused(await by(list))
    },
  )

  test(
    verifies('COV-08', 'COV-09', 'DIG-03', 'a body needs its digest and type covered, no body has none'),
    async () => {
      await accepted(await post())
      const body = '{"a":1}'
      const digest: [string, string] = ['content-digest', 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:']
      const type: [string, string] = ['content-type', 'application/json']
      await refused(await by(`${bare} "content-digest"`, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(`${bare} "content-type"`, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(bare, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(`${bare} "content-type" "content-digest"`, { method: 'POST', body, headers: [type] }))
      await refused(await by(`${bare} "content-type"`, { headers: [type] }))
      await refused(
        await by(`${bare} "content-digest"`, {
          headers: [['content-digest', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:']],
        }),
      )
    },
  )

  test.each([
    ['COV-19', 'signed as GET, sent as POST', method('POST')],
    ['COV-19', 'signed as GET, sent as HEAD', method('HEAD')],
    ['COV-28', 'a path spelt otherwise', target('/%66eed')],
    ['COV-04', 'a query added', target('/feed?x=1')],
    ['COV-42', 'alg added after signing', header('signature-input', value => `${value};alg="ed25519"`)],
  ])('[%s] %s', async (id, title, change) => {
    expect(verifies(id, title)).toContain(id)
    await expectRefusal(await get(), change, 401, undefined)
  })

  test(verifies('COV-28', 'COV-32', 'COV-36', 'no spelling of path, query or covered value can change'), async () => {
    await expectRefusal(await get({ target: '/a/x%2fb' }), target('/a/x%2Fb'), 401, 'invalid_signature')
    await expectRefusal(await get({ target: '/a/x+b' }), target('/a/x%20b'), 401, 'invalid_signature')
    for (const to of ['/feed?b=2&a=1', '/feed?a=1&b=2&a=3', '/feed?a=1;b=2', '/feed?a=1%26b=2'])
      await expectRefusal(await get({ target: '/feed?a=1&b=2' }), target(to), 401, 'invalid_signature')
    const wire = await by(`${bare} "x-a"`, { headers: [['x-a', 'a  b']] })
    await expectRefusal(
      wire,
      header('x-a', () => 'a b'),
      401,
      'invalid_signature',
    )
    await accepted(header('x-a', () => '  a  b ')(await by(`${bare} "x-a"`, { headers: [['x-a', 'a  b']] })))
  })

  test(verifies('COV-03', 'the key cannot be swapped for an identity that has the same key'), async () => {
    const same: Signer = { ...asAgent(world.agent) }
    const wire = await world.request({ as: asKey(world.agent.key), target: '/feed' })
    const identified =
      (await world.request({ as: same, target: '/feed' })).headers.find(([n]) => n === 'signature-key')?.[1] ?? ''
    await expectRefusal(
      wire,
      header('signature-key', () => identified),
      401,
      'invalid_signature',
    )
  })

  test(
    verifies(
      'COV-22',
      'COV-23',
      'COV-25',
      'COV-27',
      'sig.authority.configured',
      'the configured authority, whatever the request says',
    ),
    async () => {
      await accepted(await by(bare))
      await accepted({ ...(await by(bare)), headers: [['host', 'evil.example'], ...(await by(bare)).headers.slice(1)] })
      await accepted(plus('x-forwarded-host', 'evil.example')(plus('forwarded', 'host=evil.example')(await by(bare))))
      for (const authority of [
        'evil.example',
        'CALENDAR.example',
        'calendar.example:443',
        'calendar.example.',
        'auth.example',
      ])
        await refused(await by(bare, { authority }))
    },
  )

  test(verifies('COV-20', 'COV-43', 'sig.method.override', 'headers nobody signed change nothing'), async () => {
    const wire = ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'].reduce(
      (w, name) => plus(name, 'DELETE')(w),
      await post(),
    )
    const answer = await send(calendar.port, plus('X-User-Id', 'root')(wire))
    expect([answer.status, JSON.parse(answer.body).aauth.level]).toEqual([200, 'pseudonymous'])
  })

  test(verifies('sig.covered.demanded', 'a component the route demands, where the request has it'), async () => {
    const headers: Array<[string, string]> = [['x-tenant', 'a']]
    await accepted(await by(bare, { target: '/tenant' }))
    await accepted(await by(`${bare} "x-tenant"`, { target: '/tenant', headers }))
    const answer = await refused(await by(bare, { target: '/tenant', headers }))
    expect(JSON.parse(answer.body).required_components).toContain('x-tenant')
  })
})

describe('the target as received', () => {
  test.each([
    ['COV-24', 'absolute form', target('http://evil.example/feed')],
    ['COV-24', 'two Host lines', plus('host', 'evil.example')],
    ['COV-34', 'a fragment', target('/feed#b')],
    ['COV-35', 'a backslash', target('/feed\\x')],
    ['COV-35', 'a bad escape', target('/a/%zz')],
    ['COV-35', 'dot segments', target('/x/../feed')],
    ['COV-35', 'encoded dot segments', target('/x/%2e%2E/feed')],
    ['COV-37', 'a folded line', header('host', value => `${value}\r\n folded`)],
  ])('[%s] %s', async (id, title, change) => {
    expect(verifies(id, title)).toContain(id)
    await expectRefusal(await get(), change, 400, undefined)
  })

  test(
    verifies('COV-30', 'RAT-12', 'a variant of a path is another path, or the same route under its own signature'),
    async () => {
      const before = calendar.ran()
      expect((await send(calendar.port, await get({ target: '/feed/' }))).status).toBe(404)
      expect((await send(calendar.port, target('//feed')(await get()))).status).not.toBe(200)
      expect(calendar.ran()).toBe(before)
      expect((await send(calendar.port, await get({ target: '/%66eed' }))).status).toBe(200)
    },
  )
})

describe('body', () => {
  test.each([
    ['DIG-02', 'another body', (wire: Wire) => ({ ...wire, body: new TextEncoder().encode('{"a":2}') })],
    ['DIG-12', 'a body nobody signed', (wire: Wire) => without('content-digest')(wire)],
    ['DIG-08', 'a digest that is a string', header('content-digest', value => value.replaceAll(':', '"'))],
  ])('[%s] %s', async (id, title, change) => {
    expect(verifies(id, title)).toContain(id)
    await expectRefusal(await post(`{"fresh":"${title}"}`), change, 401, 'invalid_signature')
  })

  const types = '"content-type" "content-digest"'
  const input = () =>
    `("@method" "@authority" "@path" "signature-key" ${types});created=${now};nonce="${crypto.randomUUID()}"`
  const digested = (digest: string, body = '{"a":1}', method = 'POST') =>
    signByHand({
      as,
      input: input(),
      method,
      target: '/feed',
      body,
      headers: [
        ['content-type', 'application/json'],
        ['content-digest', digest],
      ],
    })
  const sha256 = 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'
  const status = async (wire: Wire) => {
    const before = calendar.ran()
    const answer = await send(calendar.port, wire)
    expect(calendar.ran() - before).toBe(answer.status === 200 ? 1 : 0)
    return answer.status
  }

  test(verifies('DIG-01', 'DIG-04', 'DIG-05', 'DIG-08', 'DIG-09', 'which digests count'), async () => {
    const sha512 = `sha-512=:${Buffer.from(await crypto.subtle.digest('SHA-512', new TextEncoder().encode('{"a":1}'))).toString('base64')}:`
    for (const good of [sha256, sha512, `${sha256}, foo=:AAAA:`, `${sha512}, ${sha256}`])
      expect(await status(await digested(good)), good).toBe(200)
    const bad = [
      'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
      'md5=:XrY7u+Ae7tCTyyK7j1rNww==:',
      'foo=:AAAA:',
      'sha-256=::',
      'sha-256=:AVq9+Q4SGCPoVgGUJDDZlw==:',
      `${sha512}, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:`,
    ]
    for (const digest of bad) expect(await status(await digested(digest)), digest).toBe(401)
    const legacy = {
      as,
      input: input().replace('content-digest', 'digest'),
      method: 'POST',
      target: '/feed',
      body: '{"a":1}',
    }
    expect(
      await status(
        await signByHand({
          ...legacy,
          headers: [
            ['content-type', 'application/json'],
            ['digest', 'SHA-256=AVq9'],
          ],
        }),
      ),
    ).toBe(401)
  })

  test(
    verifies(
      'DIG-12',
      'DIG-13',
      'DIG-14',
      'DIG-17',
      'sig.body.bytes',
      'a body is bytes, however framed, under any method',
    ),
    async () => {
      const wire = await digested(sha256)
      const chunked = (w: Wire): Wire => ({
        ...w,
        headers: [...w.headers, ['transfer-encoding', 'chunked']],
        body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n'),
      })
      expect(await status(chunked(wire))).toBe(200)
      const plain = await world.request({ as, method: 'POST', target: '/feed' })
      expect(await status(plus('content-length', '0')(plain))).toBe(200)
      expect(await status(chunked(await world.request({ as, method: 'POST', target: '/feed' })))).toBe(401)
      for (const verb of ['GET', 'DELETE']) {
        const unsigned = await world.request({ as, method: verb, target: '/feed' })
        expect(await status(unsigned)).toBe(200)
        expect(
          await status({ ...(await world.request({ as, method: verb, target: '/feed' })), body: Buffer.from('x') }),
        ).toBe(401)
      }
      const odd = '\ufeff{ "a" :\r\n 1 }'
      const answer = await send(calendar.port, await world.request({ as, method: 'PUT', target: '/feed', body: odd }))
      expect([
        answer.status,
        JSON.parse(Buffer.from(answer.body, 'latin1').toString()).body.endsWith('{ "a" :\r\n 1 }'),
      ]).toEqual([200, true])
    },
  )

  test(verifies('DIG-15', 'framings two parsers read differently'), async () => {
    expect(await status(await digested(sha256))).toBe(200)
    expect(await status(plus('content-length', '7')(plus('content-length', '7')(await digested(sha256))))).toBe(400)
    const both = plus('transfer-encoding', 'chunked')(plus('content-length', '7')(await digested(sha256)))
    expect(await status({ ...both, body: Buffer.from('7\r\n{"a":1}\r\n0\r\n\r\n') })).toBe(400)
    expect(await status(plus('transfer-encoding', 'x chunked')(await digested(sha256)))).toBeGreaterThanOrEqual(400)
  })

  test(verifies('error.body-too-large', 'DIG-11', 'a body over the limit is 413'), async () => {
    expect(
      await status(
        await world.request({
          as,
          method: 'POST',
          target: '/feed',
          body: 'x'.repeat(1_048_576),
          contentType: 'text/plain',
        }),
      ),
    ).toBe(200)
    expect(
      await status(
        await world.request({
          as,
          method: 'POST',
          target: '/feed',
          body: 'x'.repeat(1_048_577),
          contentType: 'text/plain',
        }),
      ),
    ).toBe(413)
  })
})

describe('time', () => {
  const at = (created: number | string, more = '') =>
    signByHand({
      as,
      input: `("@method" "@authority" "@path" "signature-key");created=${created}${more}`,
      target: '/feed',
    })
  const status = async (wire: Wire) => {
    const answer = await send(calendar.port, wire)
    return [answer.status, answer.error]
  }
  const accepted = [200, undefined]
  const refused = [401, 'invalid_signature']

  test(verifies('TIM-02', 'TIM-03', 'TIM-06', 'sig.created.window', 'created within 60 seconds'), async () => {
    for (const created of [now - 60, now, now + 60])
      expect(await status(await at(created)), String(created)).toEqual(accepted)
    for (const created of [now - 61, now + 61, now - 3600, now + 3600, -1, 0, now * 1000, '99999999999999999'])
      expect(await status(await at(created)), String(created)).toEqual(refused)
  })

  test(verifies('TIM-01', 'TIM-04', 'created is there, and an integer'), async () => {
    const missing = await signByHand({ as, input: '("@method" "@authority" "@path" "signature-key")', target: '/feed' })
    expect(await status(missing)).toEqual(refused)
    for (const created of [`"${now}"`, 'abc', ':MTIz:', `@${now}`, '?1', `${now}.5`])
      expect(await status(await at(created)), created).toEqual(refused)
    expect(await status(await at(now))).toEqual(accepted)
  })

  test(verifies('TIM-08', 'TIM-09', 'TIM-10', 'expires narrows and never widens; Date says nothing'), async () => {
    expect(await status(await at(now, `;expires=${now + 10}`))).toEqual(accepted)
    expect(await status(plus('date', 'Thu, 01 Jan 1970 00:00:00 GMT')(await at(now)))).toEqual(accepted)
    for (const expires of [now - 1, `"${now + 10}"`])
      expect(await status(await at(now, `;expires=${expires}`)), String(expires)).toEqual(refused)
    expect(await status(await at(now - 10, `;expires=${now - 11}`))).toEqual(refused)
    expect(await status(await at(now - 600, `;expires=${now + 3600}`))).toEqual(refused)
  })

  test(verifies('TIM-11', 'a tolerance that switches the check off is refused at start'), () => {
    for (const tolerance of [0, -1, 86_400, Number.NaN]) expect(() => world.calendar({ tolerance })).toThrow(RangeError)
    expect(() => world.calendar({ tolerance: 300 })).not.toThrow()
  })
})
