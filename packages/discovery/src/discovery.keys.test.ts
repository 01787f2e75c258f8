import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Discovery } from './index.js'
import { discoveryOf, publish, published, urlsOf, type Web, web } from './web.test.fixture.js'

const id = 'https://agent.example'
const urls = urlsOf(id)
const [k1, k2, k3] = await Promise.all([generateSigningKey(), generateSigningKey('ES256'), generateSigningKey()])
const wrong = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
/** RFC 7515 A.3. */
const printed = {
  kty: 'EC',
  crv: 'P-256',
  alg: 'ES256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}
const away = { name: 'AAuthError', code: 'discovery_failed', status: 503 }

let on: Web
let discovery: Discovery
beforeEach(() => {
  on = web()
  publish(on, id, [published('k1', k1), published('k2', k2)])
  discovery = discoveryOf(on)
})
const key = (kid: string) => discovery.key('aauth-agent', id, kid)
const fetchedJwks = () => on.fetched.filter(url => url === urls.jwks).length

test('finds keys of both algorithms, which verify', async () => {
  const data = new TextEncoder().encode('data')
  for (const [kid, signer] of [
    ['k1', k1],
    ['k2', k2],
  ] as const) {
    const found = await key(kid)
    expect(found?.publicJwk).toEqual(signer.publicJwk)
    expect(await found?.verify(data, await signer.sign(data))).toBe(true)
  }
})

test(verifies('discovery.test-keys', 'skips a key that a specification prints, but in development'), async () => {
  publish(on, id, [published('k1', k1), { ...printed, kid: 'k2' }])
  expect(await key('k2')).toBeUndefined()
  expect((await key('k1'))?.publicJwk).toEqual(k1.publicJwk)
  const here = discoveryOf(on, { development: true })
  expect((await here.key('aauth-agent', id, 'k2'))?.publicJwk).toEqual(printed)
})

test('returns the same object for the same key, also to concurrent callers and after a refetch', async () => {
  const [first, second] = await Promise.all([key('k1'), key('k1')])
  expect(first).toBeDefined()
  expect(second).toBe(first)
  on.clock += 601
  expect(await key('k1')).toBe(first)
  expect(fetchedJwks()).toBe(2)
})

test('a key replaced under its kid is another key', async () => {
  const before = await key('k1')
  publish(on, id, [published('k1', k3)])
  on.clock += 601
  const after = await key('k1')
  expect(before?.publicJwk).toEqual(k1.publicJwk)
  expect(after?.publicJwk).toEqual(k3.publicJwk)
})

test(verifies('KEY-20', 'KEY-22', 'a hostile or almost right kid counts as unknown'), async () => {
  const kids = [
    '../../../etc/passwd',
    "x' OR 1=1--",
    '__proto__',
    'constructor',
    'toString',
    '\0',
    'k1\0',
    'k'.repeat(10_240),
    '',
    'K1',
    'k1 ',
    ' k1',
    'ｋ1',
  ]
  for (const kid of kids) expect(await key(kid), kid).toBeUndefined()
  expect(await key('k1')).toBeDefined()
})

test(verifies('KEY-24', 'discovery.broken-keys', 'broken and unknown entries are skipped'), async () => {
  const { x } = { x: '', ...k1.publicJwk }
  const broken = [
    null,
    'text',
    7,
    [],
    {},
    { kty: 'AKP', alg: 'ML-DSA-44', kid: 'pq', pub: 'AAAA' },
    { kty: 'oct', k: 'AAAA', kid: 'mac' },
    { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: 'AAAA', kid: 'short' },
    { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y: x, kid: 'off-curve' },
    { ...published('private', k1), d: x },
  ]
  publish(on, id, [...broken, published('k1', k1)])
  expect((await key('k1'))?.publicJwk).toEqual(k1.publicJwk)
  for (const kid of ['pq', 'mac', 'short', 'off-curve', 'private']) expect(await key(kid), kid).toBeUndefined()
})

test(verifies('id.jwk-alg', 'a key published without alg is not used'), async () => {
  const { alg, ...bare } = published('bare', k1)
  expect(alg).toBe('Ed25519')
  publish(on, id, [bare, published('k1', k1)])
  expect(await key('bare')).toBeUndefined()
  expect(await key('k1')).toBeDefined()
})

test(verifies('discovery.duplicate-kid', 'two keys with the same kid refuse that kid, but no other'), async () => {
  publish(on, id, [published('k1', k1), published('k1', k3), published('k2', k2)])
  await expect(key('k1')).rejects.toMatchObject(wrong)
  expect(await key('k2')).toBeDefined()
})

describe('beside a right key, under its kid', () => {
  const { x } = k1.publicJwk as { readonly x: string }
  const broken = {
    'a point off its curve': { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y: x },
    'a text of 32 bytes that is no point': { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: `Ag${'A'.repeat(41)}` },
    'a key of an unknown kind': { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' },
    'a key for encryption': { ...k3.publicJwk, use: 'enc' },
    'a key without alg': { ...k3.publicJwk, alg: undefined },
    'a key that RFC 7515 prints': printed,
  }

  test.each(Object.entries(broken))(
    verifies('discovery.broken-beside', '%s does not count, and a second key does'),
    async (_, entry) => {
      for (const keys of [
        [published('k1', k1), { ...entry, kid: 'k1' }],
        [{ ...entry, kid: 'k1' }, published('k1', k1)],
      ]) {
        discovery.purge(id)
        publish(on, id, keys)
        expect((await key('k1'))?.publicJwk).toEqual(k1.publicJwk)
      }
      discovery.purge(id)
      publish(on, id, [published('k1', k1), { ...entry, kid: 'k1' }, published('k1', k3)])
      await expect(key('k1')).rejects.toMatchObject(wrong)
    },
  )

  test(verifies('discovery.broken-beside', 'more than eight are not tried'), async () => {
    const entry = { ...broken['a point off its curve'], kid: 'k1' }
    publish(on, id, [...Array.from({ length: 7 }, () => entry), published('k1', k1)])
    expect((await key('k1'))?.publicJwk).toEqual(k1.publicJwk)
    discovery.purge(id)
    publish(on, id, [...Array.from({ length: 8 }, () => entry), published('k1', k1)])
    await expect(key('k1')).rejects.toMatchObject(wrong)
  })
})

describe('a JWKS at another origin', () => {
  const elsewhere = 'https://keys.example/set?v=1'
  const pointTo = (uri: string) => on.answers.set(urls.metadata, { body: { issuer: id, agent: id, jwks_uri: uri } })

  test(verifies('DSC-19', 'id.jwks-elsewhere', 'is fetched through the same fetcher'), async () => {
    pointTo(elsewhere)
    on.answers.set(elsewhere, { body: { keys: [published('k9', k3)] } })
    expect((await key('k9'))?.publicJwk).toEqual(k3.publicJwk)
    expect(on.fetched).toEqual([urls.metadata, elsewhere])
  })

  test(
    verifies('DSC-37', 'DSC-19', 'sig.key.jwks-uri.lookup', 'of a victim is cached under the identifier that named it'),
    async () => {
      const victim = 'https://victim.example'
      publish(on, victim, [published('v1', k3)])
      pointTo(urlsOf(victim).jwks)
      expect((await key('v1'))?.publicJwk).toEqual(k3.publicJwk)
      // A refetch for the attacker's entry does not change the victim's, and the other way round.
      expect(await discovery.key('aauth-agent', victim, 'v1')).toBeDefined()
      on.answers.set(urlsOf(victim).jwks, { body: { keys: [published('v1', k1)] } })
      discovery.purge(id)
      expect((await key('v1'))?.publicJwk).toEqual(k1.publicJwk)
      expect((await discovery.key('aauth-agent', victim, 'v1'))?.publicJwk).toEqual(k3.publicJwk)
    },
  )

  test('that moves: its new keys count, and the old ones stop', async () => {
    expect(await key('k1')).toBeDefined()
    pointTo(elsewhere)
    on.answers.set(elsewhere, { body: { keys: [published('k9', k3)] } })
    on.clock += 301
    expect(await key('k1')).toBeUndefined()
    expect(await key('k9')).toBeDefined()
  })
})

describe('an unknown kid', () => {
  test(verifies('DSC-20', 'discovery.unknown-kid', 'is found by one refetch once the set is 30 s old'), async () => {
    await key('k1')
    publish(on, id, [published('k1', k1), published('new', k3)])
    on.clock += 29
    expect(await key('new')).toBeUndefined()
    expect(fetchedJwks()).toBe(1)
    on.clock += 1
    expect((await key('new'))?.publicJwk).toEqual(k3.publicJwk)
    expect(fetchedJwks()).toBe(2)
    expect(on.fetched.filter(url => url === urls.metadata).length).toBe(1)
  })

  test(
    verifies('DSC-21', 'discovery.unknown-kid', 'causes one refetch in 30 s, even in a flood of random ones'),
    async () => {
      const known = await key('k1')
      on.clock += 31
      for (let second = 0; second < 29; second++) {
        const flood = Array.from({ length: 100 }, (_, i) => key(`random-${second}-${i}`))
        for (const found of await Promise.all(flood)) expect(found).toBeUndefined()
        expect(await key('k1')).toBe(known)
        on.clock += 1
      }
      expect(fetchedJwks()).toBe(2)
    },
  )

  test('gets 503 while its host is unreachable, and known kids go on working', async () => {
    const known = await key('k1')
    on.clock += 31
    on.answers.set(urls.jwks, new Error('down'))
    await expect(key('new')).rejects.toMatchObject({ ...away, retryAfter: 5 })
    on.clock += 10
    await expect(key('new')).rejects.toMatchObject({ ...away, retryAfter: 20 })
    expect(await key('k1')).toBe(known)
    expect(fetchedJwks()).toBe(2)
    publish(on, id, [published('k1', k1), published('new', k3)])
    on.clock += 20
    expect(await key('new')).toBeDefined()
  })
})

describe('a known kid whose key did not verify', () => {
  const after = (failed: Awaited<ReturnType<typeof key>>) => discovery.key('aauth-agent', id, 'k1', failed)

  test(verifies('DSC-39', 'discovery.replaced-key', 'causes a refetch when the key set is 30 s old'), async () => {
    const old = await key('k1')
    publish(on, id, [published('k1', k3)])
    on.clock += 29
    expect(await after(old)).toBe(old)
    expect(fetchedJwks()).toBe(1)
    on.clock += 1
    const replaced = await after(old)
    expect(replaced?.publicJwk).toEqual(k3.publicJwk)
    expect(await key('k1')).toBe(replaced)
    // Another request that still holds the old key causes no second fetch.
    expect(await after(old)).toBe(replaced)
    expect(fetchedJwks()).toBe(2)
  })

  test(
    verifies(
      'DSC-39',
      'discovery.replaced-key',
      'causes one refetch in 30 s, even in a flood and together with unknown kids',
    ),
    async () => {
      const known = await key('k1')
      on.clock += 31
      for (let second = 0; second < 29; second++) {
        const flood = Array.from({ length: 50 }, (_, i) => [after(known), key(`random-${second}-${i}`)])
        const found = await Promise.all(flood.flat())
        expect(found.filter(one => one !== undefined && one !== known)).toEqual([])
        expect(await key('k1')).toBe(known)
        on.clock += 1
      }
      expect(fetchedJwks()).toBe(2)
    },
  )

  test('goes on working while its host is unreachable', async () => {
    const known = await key('k1')
    on.clock += 31
    on.answers.set(urls.jwks, new Error('down'))
    await expect(after(known)).rejects.toMatchObject(away)
    expect(await key('k1')).toBe(known)
  })
})
