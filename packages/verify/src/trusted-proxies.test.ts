import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { clientOf, type TrustedProxies } from './index.js'

type Lines = ReadonlyArray<readonly [string, string]>

/** The client address of a request that arrives from `peer` with these headers. */
function from(options: TrustedProxies, peer: string | undefined, ...headers: Lines): string | undefined {
  const message = { method: 'GET', target: '/', headers }
  return clientOf(options)(peer === undefined ? message : { ...message, peer })
}

const xff = (value: string) => ['X-Forwarded-For', value] as const
const forwarded = (value: string) => ['Forwarded', value] as const

describe('by default', () => {
  test(verifies('RAT-02', 'no header is read'), () => {
    expect(from({}, '192.0.2.1', xff('198.51.100.7'), forwarded('for=198.51.100.7'))).toBe('192.0.2.1')
    expect(from({ trustedProxies: 1 }, '192.0.2.1', xff('198.51.100.7'))).toBe('198.51.100.7')
  })
})

describe('a number of hops', () => {
  test(
    verifies('RAT-02', 'only the entries that trusted proxies wrote count, however many the caller adds before them'),
    () => {
      const one = { trustedProxies: 1 }
      const flood = Array.from({ length: 500 }, (_, n) => `203.0.113.${n % 250}`).join(', ')
      expect(from(one, '10.0.0.1', xff('203.0.113.9, 198.51.100.7'))).toBe('198.51.100.7')
      expect(from(one, '10.0.0.1', xff('203.0.113.9'), xff('198.51.100.7'))).toBe('198.51.100.7')
      expect(from(one, '10.0.0.1', xff(`${flood}, 198.51.100.7`))).toBe('198.51.100.7')
      expect(from({ trustedProxies: 2 }, '10.0.0.1', xff('203.0.113.9, 198.51.100.7, 10.0.0.2'))).toBe('198.51.100.7')
      expect(from(one, '10.0.0.1', ['True-Client-IP', '203.0.113.9'], forwarded('for=203.0.113.9'))).toBe('10.0.0.1')
    },
  )

  test(verifies('RAT-02', 'when an entry is no address, the proxy itself counts as the caller'), () => {
    const one = { trustedProxies: 1 }
    for (const value of [
      'unknown',
      '',
      '198.51.100.7, ',
      'x',
      '198.51.100',
      '256.1.1.1',
      '1:2:3',
      '::1::',
      '198.51.100.7 x',
    ])
      expect(from(one, '10.0.0.1', xff(value)), value).toBe('10.0.0.1')
    expect(from(one, '10.0.0.1', xff(' 198.51.100.7:4711 '))).toBe('198.51.100.7')
    expect(from(one, '10.0.0.1', xff('[2001:db8::7]:4711'))).toBe('2001:db8::7')
    expect(from(one, undefined, xff('198.51.100.7'))).toBeUndefined()
  })
})

describe('addresses', () => {
  const nets = { trustedProxies: ['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.1'] }

  test(verifies('RAT-02', 'the header of a caller that bypasses the proxies is ignored'), () => {
    expect(from(nets, '198.51.100.7', xff('203.0.113.9'))).toBe('198.51.100.7')
    expect(from(nets, '192.0.2.2', xff('203.0.113.9'))).toBe('192.0.2.2')
    expect(from(nets, '192.0.2.1', xff('203.0.113.9'))).toBe('203.0.113.9')
    expect(from(nets, '::ffff:10.1.2.3', xff('203.0.113.9, 10.200.0.1'))).toBe('203.0.113.9')
    expect(from(nets, '2001:DB8:1:9::5', xff('203.0.113.9'))).toBe('203.0.113.9')
    expect(from(nets, '2001:db8:2::5', xff('203.0.113.9'))).toBe('2001:db8:2::5')
    expect(from(nets, '11.0.0.1', xff('203.0.113.9'))).toBe('11.0.0.1')
    expect(from({ trustedProxies: [] }, '10.0.0.1', xff('203.0.113.9'))).toBe('10.0.0.1')
  })

  test('an option that is no address is refused at construction', () => {
    for (const wrong of ['10.0.0.0/33', '10.0.0', 'proxy.example', '10.0.0.0/8/8', '10.0.0.0/', '::1/129', ''])
      expect(() => clientOf({ trustedProxies: [wrong] }), wrong).toThrow(TypeError)
    for (const wrong of [-1, 1.5, 33, Number.NaN]) expect(() => clientOf({ trustedProxies: wrong })).toThrow(TypeError)
    expect(() => clientOf({ trustedProxies: 1, forwardedHeader: 'via' as 'forwarded' })).toThrow(TypeError)
    expect(from({ trustedProxies: ['0.0.0.0/0'] }, '10.0.0.1', xff('203.0.113.9'))).toBe('203.0.113.9')
  })
})

test(verifies('RAT-02', 'with `forwardedHeader: forwarded` that header counts, and no other'), () => {
  const options = { trustedProxies: 1, forwardedHeader: 'forwarded' } as const
  expect(from(options, '10.0.0.1', forwarded('for=203.0.113.9, for=198.51.100.7;proto=https'))).toBe('198.51.100.7')
  expect(from(options, '10.0.0.1', forwarded('by=10.0.0.1; For="[2001:db8::7]:4711"'))).toBe('2001:db8::7')
  expect(from(options, '10.0.0.1', forwarded('for="a, b", for=198.51.100.7'))).toBe('198.51.100.7')
  for (const value of [
    'for=unknown',
    'for=_hidden',
    'for=198.51.100.7;for=203.0.113.9',
    'proto=https',
    'xfor=203.0.113.9',
  ])
    expect(from(options, '10.0.0.1', forwarded(value)), value).toBe('10.0.0.1')
  expect(from(options, '10.0.0.1', xff('203.0.113.9'))).toBe('10.0.0.1')
})
