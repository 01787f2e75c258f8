import { generateSigningKey, type ReceivedMessage, thumbprint } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { browserOf } from '@countersign/testing/auth/consent'
import { agentServer, ask, delegate } from '@countersign/testing/auth/world'
import { sqliteOfTest } from '@countersign/testing/folders'
import { refusalOf } from '@countersign/testing/responses'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asKey } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { operatorOf } from '../operator/open-operator.js'
import { adminWorld, origin, outcome, request, send } from './admin.test.fixture.js'
import { adminPage } from './admin-page.js'

const agent = 'https://agent.example'

/** The same request with another value of a header. */
function withHeader(message: ReceivedMessage, name: string, value: string | undefined): ReceivedMessage {
  const others = message.headers.filter(([header]) => header !== name)
  return { ...message, headers: value === undefined ? others : [...others, [name, value]] }
}

describe('signing in', () => {
  test('a link signs one browser in, once', async () => {
    const place = await adminWorld()
    const [first, second] = [asKey(await generateSigningKey()), asKey(await generateSigningKey())]
    const link = await place.link('ada')
    const enrol = (as: typeof first) => send(place.made, place.admin, { as, path: 'enrol', members: { link } })
    const entered = await enrol(first)
    expect([entered.status, await entered.json()]).toEqual([200, { name: 'ada' }])
    expect(await outcome(await enrol(second))).toEqual([400, 'invitation_invalid'])
    expect(await outcome(await send(place.made, place.admin, { as: second, path: 'overview' }))).toEqual([
      401,
      'signed_out',
    ])
    expect((await send(place.made, place.admin, { as: first, path: 'overview' })).status).toBe(200)
    expect(await operatorOf(place.server).admins.list()).toMatchObject([
      { name: 'ada', browsers: [{ key: await thumbprint(first.key.publicJwk) }], links: 0 },
    ])
  })

  test('of two browsers that open one link at once, one gets in', async () => {
    const place = await adminWorld()
    const link = await place.link()
    const browsers = await Promise.all(Array.from({ length: 8 }, async () => asKey(await generateSigningKey())))
    const answers = await Promise.all(
      browsers.map(as => send(place.made, place.admin, { as, path: 'enrol', members: { link } })),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('a link ends after ten minutes', async () => {
    const place = await adminWorld()
    const as = asKey(await generateSigningKey())
    const enrol = async (after: number) => {
      const link = await place.link()
      place.made.clock.now += after
      return (await send(place.made, place.admin, { as, path: 'enrol', members: { link } })).status
    }
    expect([await enrol(599), await enrol(601)]).toEqual([200, 400])
  })

  test('wrong links keep nobody out: neither one who is signed in, nor one with a link', async () => {
    const place = await adminWorld()
    const [known, guesser] = [await place.signedIn(), asKey(await generateSigningKey())]
    const enrol = async (link: string) =>
      outcome(await send(place.made, place.admin, { as: guesser, path: 'enrol', members: { link } }))
    const wrong = Array.from({ length: 150 }, (_, n) => (n % 2 === 0 ? `guess-${n}` : 'x'.repeat(101)))
    for (const link of wrong) expect(await enrol(link)).toEqual([400, 'invitation_invalid'])
    expect((await send(place.made, place.admin, { as: known, path: 'overview' })).status).toBe(200)
    expect(await enrol(await place.link())).toEqual([200, undefined])
  })

  test('requests of strangers use up nothing: an admin has 1200 a minute, which nobody else can spend', async () => {
    const place = await adminWorld()
    const { made, admin } = place
    const [ada, bob, stranger] = [await place.signedIn(), await place.signedIn(), asKey(await generateSigningKey())]
    const overview = (as: typeof ada) => request(made, { as, path: 'overview' })
    const signed = await overview(stranger)
    const unsigned = { ...signed, headers: signed.headers.filter(([name]) => !name.startsWith('signature')) }
    const captured = await overview(ada)
    expect((await admin.handle(captured)).status).toBe(200)
    const get = { method: 'GET', target: '/', headers: [['host', 'admin.example'] as const], peer: '192.0.2.7' }
    for (let n = 0; n < 1300; n++) {
      // If one of them counted against the admin, the loop below would get 429.
      const strange = n < 50 ? [unsigned, signed, captured] : [unsigned]
      for (const message of strange) expect((await admin.handle(message)).status).toBe(401)
      expect((await admin.handle(get)).status).toBe(200)
    }
    for (let n = 1; n < 1200; n++) expect((await admin.handle(await overview(ada))).status).toBe(200)
    expect(await outcome(await admin.handle(await overview(ada)))).toEqual([429, 'rate_exceeded'])
    expect((await admin.handle(await overview(bob))).status).toBe(200)
    made.clock.now += 60
    expect((await admin.handle(await overview(ada))).status).toBe(200)
  })

  test.each([
    ['12 hours without use', {}, [43_000, 43_000], 43_300],
    ['7 days', {}, Array.from({ length: 16 }, () => 37_000), 37_000],
    ['the times that are configured', { idle: 60, life: 120 }, [50, 50], 50],
  ])('a browser is signed out after %s', async (_, admin, uses, then) => {
    const place = await adminWorld({ admin })
    const as = await place.signedIn()
    const used = async (after: number) => {
      place.made.clock.now += after
      return (await send(place.made, place.admin, { as, path: 'overview' })).status
    }
    for (const after of uses) expect(await used(after)).toBe(200)
    expect(await used(then)).toBe(401)
  })

  test('who is removed is out at once, on every instance, and so are the links of that name', async () => {
    const place = await adminWorld({ database: sqliteOfTest() })
    const [ada, bob] = [await place.signedIn('ada'), await place.signedIn('bob')]
    const [link, other] = [await place.link('ada'), await place.made.reopen()]
    const elsewhere = adminPage(other, { origin })
    expect((await send(place.made, elsewhere, { as: ada, path: 'overview' })).status).toBe(200)
    const removed = await send(place.made, place.admin, { as: bob, path: 'admins/remove', members: { name: 'ada' } })
    expect(await removed.json()).toBe(2)
    for (const admin of [place.admin, elsewhere]) {
      expect(await outcome(await send(place.made, admin, { as: ada, path: 'overview' }))).toEqual([401, 'signed_out'])
      expect((await send(place.made, admin, { as: bob, path: 'overview' })).status).toBe(200)
    }
    const again = await send(place.made, place.admin, { as: ada, path: 'enrol', members: { link } })
    expect(await outcome(again)).toEqual([400, 'invitation_invalid'])
    expect(place.made.events).toContainEqual({ type: 'admin_removed', admin: 'ada', by: 'bob' })
  })

  test('to sign out ends the key of this browser only', async () => {
    const place = await adminWorld()
    const [one, other] = [await place.signedIn(), await place.signedIn()]
    expect((await send(place.made, place.admin, { as: one, path: 'sign-out' })).status).toBe(200)
    expect((await send(place.made, place.admin, { as: one, path: 'overview' })).status).toBe(401)
    expect((await send(place.made, place.admin, { as: other, path: 'overview' })).status).toBe(200)
  })

  test.each(['', 'a b', '-x', 'a\u202eb', 'é', 'x'.repeat(65), '<b>'])('an admin is not named %j', async name => {
    const { server } = await adminWorld()
    await expect(operatorOf(server).admins.add({ name, origin })).rejects.toThrow('the name of an admin')
  })
})

describe('what is refused', () => {
  test('the session of a user opens nothing here, and the page is not on the port of the users', async () => {
    const { made, admin, server } = await adminWorld()
    const ada = await browserOf({ ...made, auth: server }, 'ada')
    const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(cookie).not.toBe('')
    const asUser = (path: string): Promise<Response> =>
      admin.handle({
        method: 'POST',
        target: `/api/${path}`,
        peer: '192.0.2.7',
        body: new TextEncoder().encode('{}'),
        headers: [
          ['host', 'admin.example'],
          ['origin', origin],
          ['cookie', cookie],
          ['content-type', 'application/json'],
        ],
      })
    for (const path of ['overview', 'agents/block', 'users/list', 'grants/revoke', 'enrol', 'sign-out'])
      expect(await outcome(await asUser(path)), path).toEqual([401, 'credential_not_accepted'])
    for (const path of ['/admin.js', '/api/overview', '/api/enrol', '/api/agents/block'])
      expect((await ada.get(path)).status, path).toBe(404)
    // Nothing here reads or sets a cookie.
    const shell = await admin.handle({ method: 'GET', target: '/', headers: [['host', 'admin.example']] })
    expect([shell.status, shell.headers.get('set-cookie')]).toEqual([200, null])
  })

  test('a request counts once: as it was signed, by a key that is signed in', async () => {
    const place = await adminWorld()
    const { made, admin } = place
    const [as, stranger] = [await place.signedIn(), asKey(await generateSigningKey())]
    const block = { path: 'agents/block', members: { agent } }
    const message = await request(made, { as, ...block })
    const changed = (more: Partial<ReceivedMessage>): Promise<Response> => admin.handle({ ...message, ...more })
    const body = new TextEncoder().encode(JSON.stringify({ agent: 'https://other.example' }))
    expect(await outcome(await changed({ body }))).toEqual([401, 'digest_wrong'])
    expect(await outcome(await changed({ target: '/api/agents/unblock' }))).toEqual([401, 'signature_wrong'])
    const unsigned = withHeader(withHeader(message, 'signature', undefined), 'signature-input', undefined)
    expect((await admin.handle(withHeader(unsigned, 'signature-key', undefined))).status).toBe(401)
    expect(await outcome(await send(made, admin, { as: stranger, ...block }))).toEqual([401, 'signed_out'])
    // Signed for another origin, such as that of the users.
    const elsewhere = await signedMessage({
      as,
      origin: 'https://auth.example',
      host: 'admin.example',
      target: '/api/agents/block',
      method: 'POST',
      body: '{}',
      contentType: 'application/json',
      headers: [['origin', origin]],
      now: () => made.clock.now,
    })
    expect(await outcome(await admin.handle(elsewhere))).toEqual([401, 'signature_wrong'])
    expect(await operatorOf(place.server).agents.blocks()).toEqual([])
    // The accepted twin, then its replay.
    expect((await admin.handle(message)).status).toBe(200)
    expect(await operatorOf(place.server).agents.unblock({ agent })).toBe(true)
    expect(await outcome(await admin.handle(message))).toEqual([401, 'request_replayed'])
    made.clock.now += 120
    expect(await outcome(await admin.handle(message))).toEqual([401, 'created_too_old'])
    expect(await operatorOf(place.server).agents.blocks()).toEqual([])
  })

  test('an agent does not get in, with its key or its token', async () => {
    const { made, admin } = await adminWorld()
    for (const { key, signatureKey } of [await delegate(made, 'phone'), agentServer(made)]) {
      const answer = await send(made, admin, { as: { key, signatureKey }, path: 'overview' })
      expect(await outcome(answer)).toEqual([401, 'credential_not_accepted'])
    }
  })

  test('the key of an admin is one more pseudonym elsewhere', async () => {
    const place = await adminWorld()
    const as = await place.signedIn()
    const asked = await ask({ ...place.made, auth: place.server }, { ...as, agent })
    expect(await refusalOf(asked)).toMatchObject({ status: 401, reason: 'credential_not_accepted' })
  })

  test.each<[string, string, string | undefined, number]>([
    ['another name that leads here (DNS rebinding)', 'host', 'rebound.example', 421],
    ['the same name with a port', 'host', 'admin.example:8444', 421],
    ['the same name in capitals', 'host', 'ADMIN.example', 421],
    ['a page of another origin', 'origin', 'https://evil.example', 403],
    ['a page of the users', 'origin', 'https://auth.example', 403],
    ['a page without an origin', 'origin', 'null', 403],
    ['the origin in plain http', 'origin', 'http://admin.example', 403],
    ['no page at all', 'origin', undefined, 403],
    ['another site, as the browser says', 'sec-fetch-site', 'cross-site', 403],
    ['another port, as the browser says', 'sec-fetch-site', 'same-site', 403],
    ['a frame', 'sec-fetch-dest', 'iframe', 403],
  ])('a request that comes from %s', async (_, name, value, status) => {
    const place = await adminWorld()
    const as = await place.signedIn()
    const message = await request(place.made, { as, path: 'overview' })
    expect((await place.admin.handle(withHeader(message, name, value))).status).toBe(status)
    expect((await place.admin.handle(message)).status).toBe(200)
  })

  test('a second Host or Origin beside the right one', async () => {
    const place = await adminWorld()
    const as = await place.signedIn()
    const message = await request(place.made, { as, path: 'overview' })
    const twice = (name: string, value: string): Promise<Response> =>
      place.admin.handle({ ...message, headers: [...message.headers, [name, value]] })
    expect((await twice('host', 'admin.example')).status).toBe(421)
    expect((await twice('origin', origin)).status).toBe(403)
    expect((await place.admin.handle(message)).status).toBe(200)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8'])(
    'a body of the type %s, which a form of another site may send',
    async contentType => {
      const { made, admin, signedIn } = await adminWorld()
      const as = await signedIn()
      const call = { as, origin, target: '/api/overview', method: 'POST', body: '{}', now: () => made.clock.now }
      const headers = [['origin', origin] as const]
      const message = await signedMessage({ ...call, headers, contentType })
      expect(await outcome(await admin.handle(message))).toEqual([415, 'content_type_unsupported'])
      expect((await send(made, admin, { as, path: 'overview' })).status).toBe(200)
    },
  )

  test('a form of another page, a frame, and a WebSocket', async () => {
    const { admin } = await adminWorld()
    const get = (headers: ReadonlyArray<[string, string]>): Promise<Response> =>
      admin.handle({ method: 'GET', target: '/', headers: [['host', 'admin.example'], ...headers] })
    expect((await get([['sec-fetch-dest', 'document']])).status).toBe(200)
    expect((await get([['sec-fetch-dest', 'iframe']])).status).toBe(403)
    const socket: Array<[string, string]> = [
      ['upgrade', 'websocket'],
      ['connection', 'upgrade'],
      ['origin', 'https://evil.example'],
    ]
    expect((await get(socket)).status).toBe(403)
    const form = await admin.handle({
      method: 'POST',
      target: '/api/agents/block',
      body: new TextEncoder().encode('agent=x'),
      headers: [
        ['host', 'admin.example'],
        ['origin', 'https://evil.example'],
        ['content-type', 'application/x-www-form-urlencoded'],
      ],
    })
    expect(form.status).toBe(403)
    const preflight = await admin.handle({
      method: 'OPTIONS',
      target: '/api/agents/block',
      headers: [
        ['host', 'admin.example'],
        ['origin', 'https://evil.example'],
        ['access-control-request-method', 'POST'],
      ],
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  test.each([
    ['unknown members', 'agents/list', { limits: 3 }],
    ['a member of another type', 'users/show', { sub: { '': 1 } }],
    ['a limit out of range', 'grants/list', { limit: 1001 }],
    ['a filter that would end every grant', 'grants/revoke', {}],
    ['a block of nobody', 'agents/block', {}],
    ['a block of a public suffix', 'agents/block', { site: 'co.uk' }],
    ['a missing member', 'policy/test', { agent }],
    ['an array', 'overview', []],
  ])('%s, in words and without an alarm', async (_, path, members) => {
    const place = await adminWorld()
    const as = await place.signedIn()
    const [status] = await outcome(await send(place.made, place.admin, { as, path, members }))
    expect(status).toBe(400)
    expect(place.made.events.filter(({ type }) => type === 'admin_refused')).toEqual([])
  })
})

test('a refused request is recorded with the address in front of the proxies of this port, and of no other', async () => {
  const proxies = ['10.0.0.0/8']
  const place = await adminWorld({ admin: { trustedProxies: proxies }, trustedProxies: ['172.16.0.0/12'] })
  const peers = async (peer: string, header: string): Promise<unknown[]> => {
    place.made.events.length = 0
    const message = await request(place.made, { as: asKey(await generateSigningKey()), path: 'overview' })
    const headers = [...message.headers, [header, '198.51.100.4, 203.0.113.9'] as const]
    expect((await place.admin.handle({ ...message, peer, headers })).status).toBe(401)
    return place.made.events.map(event => 'peer' in event && event.peer)
  }
  expect(await peers('10.1.2.3', 'x-forwarded-for')).toEqual(['203.0.113.9'])
  // Forged: by a caller who is no proxy of this port, by the proxy of another one, and in a header that the proxy does not write.
  expect(await peers('192.0.2.7', 'x-forwarded-for')).toEqual(['192.0.2.7'])
  expect(await peers('172.16.0.1', 'x-forwarded-for')).toEqual(['172.16.0.1'])
  expect(await peers('10.1.2.3', 'forwarded')).toEqual(['10.1.2.3'])
})

test('every answer keeps other sites out: no frame, no cache, no script but its own', async () => {
  const place = await adminWorld()
  const as = await place.signedIn()
  const get = (target: string): Promise<Response> =>
    place.admin.handle({ method: 'GET', target, headers: [['host', 'admin.example']] })
  for (const response of [
    await get('/'),
    await get('/admin.js'),
    await get('/nothing'),
    await send(place.made, place.admin, { as, path: 'overview' }),
    await send(place.made, place.admin, { as: asKey(await generateSigningKey()), path: 'overview' }),
  ]) {
    const { headers } = response
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('set-cookie')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('what an admin does is an event with their name; what they look at too, but not what they searched for', async () => {
  const place = await adminWorld()
  const { made, admin } = place
  const as = await place.signedIn('ada')
  made.events.length = 0
  const call = async (path: string, members: object = {}) => (await send(made, admin, { as, path, members })).json()
  await call('agents/block', { agent })
  await call('agents/unblock', { agent })
  await call('users/list', { search: 'grace@example.org' })
  await call('agents/show', { agent })
  await call('users/invite')
  expect(made.events).toEqual([
    { type: 'blocked', agent, grants: 0, by: 'ada' },
    { type: 'unblocked', agent, by: 'ada' },
    { type: 'admin_read', by: 'ada', call: 'users/list' },
    { type: 'admin_read', by: 'ada', call: 'agents/show', agent },
    { type: 'invited', kind: 'account', by: 'ada' },
  ])
  await operatorOf(place.server).agents.block({ agent })
  expect(made.events.at(-1)).toEqual({ type: 'blocked', agent, grants: 0 })
})

test(
  verifies('LOG-03', 'each change and each look of an admin is one record of the audit log, with their name'),
  async () => {
    const place = await adminWorld({ database: sqliteOfTest(), audit: { key: await generateSigningKey() } })
    const { made, admin, server } = place
    const as = await place.signedIn('ada')
    await send(made, admin, { as, path: 'agents/block', members: { agent } })
    await send(made, admin, { as, path: 'agents/show', members: { agent } })
    const stranger = asKey(await generateSigningKey())
    expect((await send(made, admin, { as: stranger, path: 'agents/unblock', members: { agent } })).status).toBe(401)
    await send(made, admin, { as, path: 'sign-out' })
    const read = async () => (await operatorOf(server).audit.list()).events.filter(({ type }) => type !== 'started')
    await expect.poll(async () => (await read()).length, { timeout: 20_000 }).toBe(5)
    const key = await thumbprint(as.key.publicJwk)
    expect((await read()).map(({ type, agent: about, detail }) => ({ type, about, ...detail })).reverse()).toEqual([
      { type: 'admin_invited', admin: 'ada' },
      { type: 'admin_enrolled', admin: 'ada', key },
      { type: 'blocked', about: agent, by: 'ada' },
      { type: 'admin_read', about: agent, by: 'ada', call: 'agents/show' },
      { type: 'admin_signed_out', admin: 'ada', key },
    ])
  },
)

test.each([
  [{ origin: 'http://admin.example' }, 'the origin of the admin page'],
  [{ origin: 'https://admin.example/' }, 'the origin of the admin page'],
  [{ origin, idle: 5 }, 'idle must be'],
  [{ origin, life: 31 * 86_400 }, 'life must be'],
  [{ origin, lifes: 5 }, 'unknown option'],
  [{ origin, trustedProxies: 33 }, 'trustedProxies must be'],
  [{ origin, forwardedHeader: 'x-real-ip' }, 'forwardedHeader'],
  [{}, "option 'origin' is missing"],
])('unfit options are refused when the page opens: %j', async (options, words) => {
  const { server } = await adminWorld()
  expect(() => adminPage(server, options as never)).toThrow(words)
})
