import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import {
  exchange,
  exchangeWorld,
  publishIssuer,
  rule,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { bodyOf, plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

test(verifies('EXC-24', 'exchange.rule', 'exchanges of one upstream token by one caller are limited'), async () => {
  const made = await exchangeWorld()
  const upstream = await upstreamToken(made)
  const statuses: number[] = []
  for (let count = 0; count < 62; count++) statuses.push((await exchange(made, { upstream })).status)
  expect(statuses.indexOf(429)).toBe(60)
  const limited = await exchange(made, { upstream })
  expect(limited.headers.get('retry-after')).toBe('60')
  expect(await refusalOf(limited)).toEqual(plain(429, 'rate_limited', 'rate_exceeded'))
  const another = await upstreamToken(made, { claims: { jti: 'another' } })
  expect((await exchange(made, { upstream: another })).status).toBe(200)
  made.clock.now += 60
  expect((await exchange(made, { upstream })).status).toBe(200)
})

test(
  verifies('EXC-24', 'DOS-08', 'questions to one upstream user are limited, and leave room for those to others'),
  async () => {
    const made = await exchangeWorld()
    const ask = async (sub: string, n: number): Promise<Response> =>
      exchange(made, {
        upstream: await upstreamToken(made, { claims: { sub, jti: `${sub}-${n}` } }),
        scope: 'rooms.book',
      })
    const statuses: number[] = []
    for (let n = 0; n < 33; n++) statuses.push((await ask('ada', n)).status)
    expect(statuses.indexOf(429)).toBe(32)
    expect(await bodyOf(await ask('bob', 0))).toHaveProperty('request_token')
    made.clock.now += 600
    expect(await bodyOf(await ask('ada', 33))).toHaveProperty('request_token')
  },
)

test(
  verifies('EXC-20', 'exchange.upstream', 'a withdrawn rule, and a removed key within the cache’s cap, end exchanges'),
  async () => {
    const made = await exchangeWorld()
    const upstream = await upstreamToken(made)
    expect((await exchange(made, { upstream })).status).toBe(200)
    publishIssuer(made, upstreamIssuer, [{ kid: 'u2', key: await generateSigningKey() }])
    made.clock.now += 299
    expect((await exchange(made, { upstream })).status).toBe(200)
    made.clock.now += 302
    const fresh = await upstreamToken(made)
    expect(await refusalOf(await exchange(made, { upstream: fresh }))).toMatchObject(plain(400, 'invalid_auth_token'))
    const without = await exchangeWorld({ rules: [{ ...rule, upstream: 'https://two.example' }] })
    expect(await refusalOf(await exchange(without))).toEqual(plain(400, 'untrusted_issuer', 'issuer_untrusted'))
  },
)

test(
  verifies(
    'F-53',
    'F-52',
    'discovery.stale',
    'while an upstream issuer is unreachable its cached keys work for an hour, then 503 until it is back',
  ),
  async () => {
    const made = await exchangeWorld()
    expect((await exchange(made)).status).toBe(200)
    made.down.add(upstreamIssuer)
    made.clock.now += 3500
    expect((await exchange(made)).status).toBe(200)
    made.clock.now += 200
    const away = await exchange(made)
    expect(away.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await refusalOf(away)).toMatchObject(plain(503, 'discovery_failed'))
    made.down.clear()
    made.clock.now += 60
    expect((await exchange(made)).status).toBe(200)
  },
)

test(
  verifies(
    'F-52',
    'exchange.upstream',
    'an upstream issuer that never answers is 503 at the deadline, for its own exchanges only',
  ),
  async () => {
    const made = await exchangeWorld({ rules: [rule, { ...rule, upstream: 'https://two.example' }], timeout: 0.3 })
    const two = { kid: 'u1', key: await generateSigningKey() }
    publishIssuer(made, 'https://two.example', [two])
    made.hanging.add(upstreamIssuer)
    const begun = performance.now()
    const stuck = Array.from({ length: 20 }, (_, index) =>
      upstreamToken(made, { claims: { jti: `stuck-${index}` } }).then(upstream => exchange(made, { upstream })),
    )
    const upstream = await upstreamToken(made, { key: two, claims: { iss: 'https://two.example' } })
    expect((await exchange(made, { upstream })).status).toBe(200)
    const answers = await Promise.all(stuck)
    expect(performance.now() - begun).toBeLessThan(3000)
    for (const answer of answers) expect(await refusalOf(answer)).toMatchObject(plain(503, 'discovery_failed'))
    expect(answers[0]?.headers.get('retry-after')).toMatch(/^\d+$/)
  },
)
