import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, expect, test } from 'vitest'
import { type Asked, proxiesOf, routes } from './check.test.fixture.js'
import { createCheck } from './index.js'
import { makeWorld, type World } from './world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})
const { nginx, envoy, linesOf, post, bare } = proxiesOf(() => world)

test('the facts of a request that passes are in the response, with an empty header for each unknown fact', async () => {
  const forged = [['AAuth-User', 'root']] as const
  for (const ask of [nginx(), envoy()]) {
    const { status, headers } = await ask({ as: world.agent, target: '/a?b', forged })
    expect(status).toBe(200)
    const facts = [...headers].filter(([name]) => name.startsWith('aauth-'))
    expect(Object.fromEntries(facts)).toEqual({
      'aauth-level': 'identified',
      'aauth-agent': 'https://agent.example',
      'aauth-delegate': '',
      'aauth-user': '',
      'aauth-scope': '',
      'aauth-issuer': '',
      'aauth-key': expect.stringMatching(/^[\w-]{43}$/),
    })
    const alice = await world.holder({ sub: 'alice', delegate: 'phone' })
    expect((await ask({ as: alice, target: '/scoped' })).headers.get('aauth-user')).toBe('alice')
    expect((await ask({ target: '/open', forged })).headers.get('aauth-user')).toBe('')
    expect((await ask({ target: '/open', forged })).headers.get('aauth-level')).toBe('anonymous')
  }
})

test(
  verifies(
    'SIG-21',
    'what the proxy would pass on, and the API could take for a fact or for another request, is refused',
  ),
  async () => {
    const { key } = world.agent
    const identity = { kid: 'r1', key }
    for (const make of [nginx, envoy])
      for (const [name, options] of [
        ['aauth_user', {}],
        ['AAuth.Level', {}],
        ['AAuth-Identity', {}],
        ['AAuth-User', { identity }],
        ['X-HTTP-Method-Override', {}],
        ['x_http_method', {}],
        ['Content_Digest', {}],
        ['X-Original-URL', {}],
        ['X-Rewrite-Url', {}],
      ] as const) {
        const forged = [[name, 'x']] as const
        for (const asked of [{ target: '/open' }, { target: '/a', as: world.agent }]) {
          const told = await make(options)({ ...asked, forged })
          expect([told.meant ?? String(told.status), told.error, told.reason], name).toEqual([
            '400',
            'invalid_request',
            'header_ambiguous',
          ])
        }
        expect((await make(options)({ target: '/open', forged: [['X-Forwarded-For', 'x']] })).status).toBe(200)
      }
  },
)

test('nginx gets 401 or 403 and the intended status in a header; Envoy gets that status', async () => {
  const table: Array<[Asked, number, number, string, string | null]> = [
    [{ target: '/a' }, 401, 401, 'invalid_signature', 'httpsig; identity=?1'],
    [{ as: world.stranger, target: '/a' }, 401, 401, 'insufficient_level', 'httpsig; identity=?1'],
    [{ as: world.agent, target: '/%6fpen' }, 403, 400, 'invalid_request', null],
  ]
  for (const [asked, forNginx, meant, error, challenge] of table) {
    const told = await nginx()(asked)
    expect([told.status, told.meant, told.error, told.headers.get('agent-auth')]).toEqual([
      forNginx,
      String(meant),
      error,
      challenge,
    ])
    const answer = await envoy()(asked)
    expect([answer.status, answer.meant, answer.error, answer.headers.get('agent-auth')]).toEqual([
      meant,
      null,
      error,
      challenge,
    ])
  }
  // The body, which nginx does not keep, is in a header as well.
  const { headers } = await nginx()({ target: '/a' })
  const text = headers.get('aauth-error') ?? ''
  expect(JSON.parse(text)).toMatchObject({ error: 'invalid_signature', required_components: expect.any(Array) })
  expect((await envoy()({ target: '/a' })).headers.has('aauth-error')).toBe(false)
  expect((await nginx()({ target: '/open' })).headers.has('aauth-error')).toBe(false)
  const dots = await nginx()({ target: '/../a' })
  expect([dots.status, dots.meant]).toEqual([403, '400'])
  const escaped = await nginx()({ as: world.agent, target: '/%6fpen' })
  expect(JSON.parse(escaped.headers.get('aauth-error') ?? '')).toMatchObject({ reason: 'path_not_plain' })
  await expect(envoy()({ target: '/../a' })).rejects.toMatchObject({ status: 400 })
  const few = [{ path: '/*', requirement: { level: 'anonymous', limits: { anonymous: '1/hour' } } }] as const
  for (const [ask, status] of [
    [nginx({ routes: few }), 403],
    [envoy({ routes: few }), 429],
  ] as const) {
    expect((await ask({ target: '/' })).status).toBe(200)
    const over = await ask({ target: '/' })
    expect([over.status, over.error, Number(over.headers.get('retry-after')) > 0]).toEqual([
      status,
      'rate_limited',
      true,
    ])
  }
})

test(verifies('NON-01', 'a request passes once, for any caller of the check'), async () => {
  const as = world.agent
  const headers = await world.sign({ as, method: 'DELETE', target: '/a' })
  const resource = createResource({ ...world.settings, replay: startedReplaySet() })
  const said = [
    ['X-Original-Method', 'DELETE'],
    ['X-Original-URI', '/a'],
    ['X-Original-Body', 'HTTP/1.1;;'],
  ] as const
  const asks = [createCheck({ resource, routes, proxy: 'nginx' }), createCheck({ resource, routes, proxy: 'nginx' })]
  const [first, second] = asks.map(ask =>
    ask.handle({ method: 'GET', target: '/check', headers: [...headers, ...said] }),
  )
  expect([(await first)?.status, (await second)?.status]).toEqual([200, 401])
})

test(
  verifies('DIG-02', 'DIG-12', 'DIG-13', 'nginx: no signed body passes unverified, unless configured so'),
  async () => {
    const strict = nginx()
    const refused = await strict(post())
    expect([refused.status, refused.error, refused.reason]).toEqual([403, 'policy_denied', 'body_unseen'])
    // A body that the signature says nothing of: by its length, by its coding, and under HTTP/2, where nothing would tell of it.
    for (const framing of ['HTTP/1.1;5;', 'HTTP/1.1;;chunked', 'HTTP/2.0;;', 'HTTP/3.0;;'])
      expect((await strict(bare(framing))).status, framing).toBe(403)
    expect((await strict(bare('HTTP/1.1;5;', 'GET'))).status).toBe(403)
    for (const framing of ['HTTP/1.1;;', 'HTTP/1.1;0;', 'HTTP/2.0;0;'])
      expect((await strict(bare(framing))).status, framing).toBe(200)
    expect((await strict(bare('HTTP/2.0;;', 'GET'))).status).toBe(200)
    expect((await strict({ method: 'POST', target: '/open', body: 'hello' })).status).toBe(200)

    const trusting = nginx({ bodies: 'unseen' })
    expect((await trusting(post())).status).toBe(200)
    for (const framing of ['HTTP/1.1;5;', 'HTTP/1.1;;chunked', 'HTTP/2.0;;']) {
      const uncovered = await trusting(bare(framing))
      expect([uncovered.status, uncovered.error], framing).toEqual([401, 'invalid_signature'])
    }
    expect((await trusting(bare('HTTP/1.1;;'))).status).toBe(200)
    // What the API will compare with the body is what was signed.
    const other = await linesOf(post())
    const swapped = other.map(
      ([name, value]) =>
        [
          name,
          name.toLowerCase() === 'content-digest' ? 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' : value,
        ] as const,
    )
    const resource = createResource({ ...world.settings, replay: startedReplaySet() })
    const check = createCheck({ resource, routes, proxy: 'nginx', bodies: 'unseen' })
    const said = [
      ['X-Original-Method', 'POST'],
      ['X-Original-URI', '/a'],
      ['X-Original-Body', 'HTTP/1.1;5;'],
    ] as const
    expect((await check.handle({ method: 'GET', target: '/check', headers: [...swapped, ...said] })).status).toBe(401)
    expect((await check.handle({ method: 'GET', target: '/check', headers: [...other, ...said] })).status).toBe(200)
  },
)

test(verifies('DIG-01', 'Envoy: a body that it sends along is compared; one that it keeps does not pass'), async () => {
  const seeing = envoy({ bodies: 'seen' })
  expect((await seeing(post())).status).toBe(200)
  const swapped = await seeing(post(), 'jello')
  expect([swapped.status, swapped.error]).toEqual([401, 'invalid_signature'])
  expect((await seeing(post(), '')).status).toBe(401)
  expect((await seeing({ as: world.agent, method: 'POST', target: '/a' }, 'added')).status).toBe(401)
  expect((await seeing({ as: world.agent, method: 'POST', target: '/a' })).status).toBe(200)
  const strict = envoy()
  expect((await strict(post(), '')).status).toBe(403)
  expect((await strict({ as: world.agent, method: 'POST', target: '/a' })).status).toBe(403)
  expect((await strict({ as: world.agent, target: '/a' })).status).toBe(200)
  expect((await envoy({ bodies: 'unseen' })(post(), '')).status).toBe(200)
})

test('when the proxy leaves out a required header nothing passes, and the log says why', async () => {
  const resource = createResource({ ...world.settings, replay: startedReplaySet() })
  const check = createCheck({ resource, routes, proxy: 'nginx' })
  const all = [
    ['x-original-method', 'GET'],
    ['x-original-uri', '/open'],
    ['x-original-body', 'HTTP/1.1;;'],
  ] as const
  const ask = (said: ReadonlyArray<readonly [string, string]>) =>
    check.handle({ method: 'GET', target: '/check', headers: [['host', 'api.example'], ...said] })
  expect((await ask(all)).status).toBe(200)
  const wrong = all.flatMap((line, at) => [
    all.filter(other => other !== line),
    [...all, [line[0], `${line[1]}${at}`] as const],
  ])
  for (const said of [...wrong, [...all.slice(0, 2), ['x-original-body', 'no'] as const]])
    await expect(ask(said), JSON.stringify(said)).rejects.toMatchObject({
      code: 'server_error',
      reason: 'internal_error',
      message: expect.stringMatching(/X-Original-/),
    })
  expect(() => createCheck({ resource, routes, proxy: 'nginx', bodies: 'seen' })).toThrow(TypeError)
  const withCors = createResource({ ...world.settings, cors: '*' })
  expect(() => createCheck({ resource: withCors, routes, proxy: 'envoy' })).toThrow(TypeError)
})

test('it has the documents of the resource and nothing else, and takes other routes at once', async () => {
  const resource = createResource({ ...world.settings, replay: startedReplaySet() })
  const check = createCheck({ resource, routes, proxy: 'envoy' })
  const get = (target: string) => check.handle({ method: 'GET', target, headers: [['host', 'api.example']] })
  expect((await get('/.well-known/aauth-resource')).status).toBe(200)
  await expect(get('/open')).rejects.toMatchObject({ status: 404, reason: 'path_unknown' })
  expect((await get('/check/open')).status).toBe(200)
  expect(() => check.reload({ resource, routes: [{ path: 'x', requirement: {} }], proxy: 'envoy' })).toThrow(TypeError)
  expect((await get('/check/open')).status).toBe(200)
  check.reload({ resource, routes: [{ path: '/*', requirement: { level: 'identified' } }], proxy: 'envoy' })
  expect((await get('/check/open')).status).toBe(401)
})
