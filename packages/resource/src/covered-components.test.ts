import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { asAgent, asKey, type Signer } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { cases, expectRefusal, header, method, plus, target } from './altered.test.fixture.js'
import { calendarScene } from './calendar.test.fixture.js'
import { signByHand } from './world.test.fixture.js'

const { world, calendar, as, now } = await calendarScene()

const get = (o: { target?: string } = {}) => world.request({ as, target: o.target ?? '/feed' })
const post = (body = '{"a":1}') => world.request({ as, target: '/feed', method: 'POST', body })

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
    verifies(
      'COV-01',
      'COV-02',
      'sig.covered.always',
      'error.required-components',
      'every required component, and the answer names them',
    ),
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

  test(
    verifies(
      'COV-10',
      'COV-13',
      'COV-17',
      'sig.covered.order',
      'sig.covered.more',
      'sig.authority.target-uri',
      'order is free and more may be covered',
    ),
    async () => {
      await accepted(await by('"signature-key" "@path" "@authority" "@method"'))
      await accepted(await by(`${bare} "@target-uri" "@scheme"`))
      const headers: Array<[string, string]> = [
        ['accept', ' text/html '],
        ['x-a', '1'],
        ['X-A', '2'],
      ]
      await accepted(await by(`${bare} "accept" "x-a"`, { headers }))
    },
  )

  test(
    verifies('COV-04', 'COV-05', 'COV-12', 'sig.covered.query', '@query exactly when there is a query'),
    async () => {
      await accepted(await by(`${bare} "@query"`, { target: '/feed?a=b' }))
      await refused(await by(bare, { target: '/feed?a=b' }))
      await refused(await by(`${bare} "@query"`))
      await refused(await by(`${bare} "@query-param";name="a"`, { target: '/feed?a=b' }))
      await refused(await by('"@method" "@target-uri" "signature-key"'))
      await refused({ ...(await by(`${bare} "@query"`, { target: '/feed?a=b' })), target: '/feed?a=c' })
    },
  )

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
    verifies(
      'COV-08',
      'COV-09',
      'DIG-03',
      'sig.covered.body',
      'sig.covered.body-absent',
      'a body needs its digest and type covered, no body has a digest',
    ),
    async () => {
      await accepted(await post())
      const body = '{"a":1}'
      const digest: [string, string] = ['content-digest', 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:']
      const type: [string, string] = ['content-type', 'application/json']
      await refused(await by(`${bare} "content-digest"`, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(`${bare} "content-type"`, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(bare, { method: 'POST', body, headers: [type, digest] }))
      await refused(await by(`${bare} "content-type" "content-digest"`, { method: 'POST', body, headers: [type] }))
      await refused(
        await by(`${bare} "content-digest"`, {
          headers: [['content-digest', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:']],
        }),
      )
    },
  )

  test(
    verifies(
      'COV-44',
      'COV-45',
      'COV-46',
      'sig.covered.body-absent',
      'of no body the type may be covered, where it is there',
    ),
    async () => {
      const type: [string, string] = ['content-type', 'application/json']
      const empty: [string, string] = ['content-digest', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:']
      const typed = () => by(`${bare} "content-type"`, { headers: [type] })
      await accepted(await typed())
      await refused(await by(`${bare} "content-type"`))
      await refused(await by(`${bare} "content-digest"`, { headers: [empty] }))
      await refused(await by(`${bare} "content-type" "content-digest"`, { headers: [type, empty] }))
      // One byte is a body, and the handler never sees it.
      const chunk = { body: Buffer.from('1\r\nx\r\n0\r\n\r\n') }
      await refused({ ...plus('transfer-encoding', 'chunked')(await typed()), ...chunk })
      await refused({ ...(await typed()), body: Buffer.from('x') })
      await accepted({ ...plus('transfer-encoding', 'chunked')(await typed()), body: Buffer.from('0\r\n\r\n') })
    },
  )

  test.each(
    cases([
      ['COV-19', 'signed as GET, sent as POST', method('POST')],
      ['COV-19', 'signed as GET, sent as HEAD', method('HEAD')],
      ['COV-28', 'a path spelt otherwise', target('/%66eed')],
      ['COV-04', 'a query added', target('/feed?x=1')],
      ['COV-42', 'alg added after signing', header('signature-input', value => `${value};alg="ed25519"`)],
    ]),
  )('%s', async (_, change) => {
    await expectRefusal(calendar, await get(), change, { status: 401 })
  })

  test(verifies('COV-28', 'COV-32', 'COV-36', 'no spelling of path, query or covered value can change'), async () => {
    await expectRefusal(calendar, await get({ target: '/a/x%2fb' }), target('/a/x%2Fb'), {
      status: 401,
      error: 'invalid_signature',
    })
    await expectRefusal(calendar, await get({ target: '/a/x+b' }), target('/a/x%20b'), {
      status: 401,
      error: 'invalid_signature',
    })
    for (const to of ['/feed?b=2&a=1', '/feed?a=1&b=2&a=3', '/feed?a=1;b=2', '/feed?a=1%26b=2'])
      await expectRefusal(calendar, await get({ target: '/feed?a=1&b=2' }), target(to), {
        status: 401,
        error: 'invalid_signature',
      })
    const wire = await by(`${bare} "x-a"`, { headers: [['x-a', 'a  b']] })
    await expectRefusal(
      calendar,
      wire,
      header('x-a', () => 'a b'),
      { status: 401, error: 'invalid_signature' },
    )
    await accepted(header('x-a', () => '  a  b ')(await by(`${bare} "x-a"`, { headers: [['x-a', 'a  b']] })))
  })

  test(verifies('COV-03', 'the key cannot be swapped for an identity that has the same key'), async () => {
    const same: Signer = { ...asAgent(world.agent) }
    const wire = await world.request({ as: asKey(world.agent.key), target: '/feed' })
    const identified =
      (await world.request({ as: same, target: '/feed' })).headers.find(([n]) => n === 'signature-key')?.[1] ?? ''
    await expectRefusal(
      calendar,
      wire,
      header('signature-key', () => identified),
      { status: 401, error: 'invalid_signature' },
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

  test(
    verifies('COV-20', 'COV-43', 'sig.method.override', 'headers that are not signed do not change the method'),
    async () => {
      const wire = ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'].reduce(
        (w, name) => plus(name, 'DELETE')(w),
        await post(),
      )
      const answer = await send(calendar.port, plus('X-User-Id', 'root')(wire))
      expect([answer.status, JSON.parse(answer.body).aauth.level]).toEqual([200, 'pseudonymous'])
    },
  )

  test(verifies('sig.covered.demanded', 'a component the route demands, where the request has it'), async () => {
    const headers: Array<[string, string]> = [['x-tenant', 'a']]
    await accepted(await by(bare, { target: '/tenant' }))
    await accepted(await by(`${bare} "x-tenant"`, { target: '/tenant', headers }))
    const answer = await refused(await by(bare, { target: '/tenant', headers }))
    expect(JSON.parse(answer.body).required_components).toContain('x-tenant')
  })
})
