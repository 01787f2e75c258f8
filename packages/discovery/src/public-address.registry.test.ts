import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPublicAddress } from './node.js'
import {
  type Block,
  ipv4Of,
  ipv6Of,
  isPublicIPv4,
  isPublicIPv6,
  numberOfIPv4,
  numberOfIPv6,
  outsideIPv6,
  platformIPv4,
  rangeOf,
  specialIPv4,
  specialIPv6,
  translated,
} from './special-purpose.test.fixture.js'

const long = process.env['COUNTERSIGN_LONG'] === '1'
const [numRuns, timeout] = long ? [100_000, 600_000] : [1000, 30_000]

/** Numbers inside a block at its edges and in its middle, and the two just outside. */
function edges(block: Block, most: bigint) {
  const { first, last } = rangeOf(block)
  const inside = [...new Set([first, first + 1n, (first + last) / 2n, last - 1n, last])]
  return {
    inside: inside.filter(number => number >= first && number <= last),
    outside: [first - 1n, last + 1n].filter(number => number >= 0n && number <= most),
  }
}

describe(verifies('DSC-02', 'discovery.guarded', 'at the edges of every block of the IPv4 registry'), () => {
  test.each([...specialIPv4, ...platformIPv4])('%s/%d, %s', (...block) => {
    const { inside, outside } = edges(block, 2n ** 32n - 1n)
    for (const number of inside) {
      expect(isPublicAddress(ipv4Of(number)), ipv4Of(number)).toBe(false)
      // The same address behind NAT64 is not public either.
      expect(isPublicAddress(ipv6Of(rangeOf(translated).first + number)), ipv4Of(number)).toBe(false)
    }
    for (const number of outside) expect(isPublicAddress(ipv4Of(number)), ipv4Of(number)).toBe(isPublicIPv4(number))
  })

  test('addresses just outside are public, except where blocks touch', () => {
    const outside = specialIPv4.flatMap(block => edges(block, 2n ** 32n - 1n).outside).map(ipv4Of)
    expect(outside.filter(isPublicAddress)).toEqual([
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '191.255.255.255',
      '192.0.1.0',
      '192.0.1.255',
      '192.0.3.0',
      '192.31.195.255',
      '192.31.197.0',
      '192.52.192.255',
      '192.52.194.0',
      '192.88.98.255',
      '192.88.100.0',
      '192.167.255.255',
      '192.169.0.0',
      '192.175.47.255',
      '192.175.49.0',
      '198.17.255.255',
      '198.20.0.0',
      '198.51.99.255',
      '198.51.101.0',
      '203.0.112.255',
      '203.0.114.0',
      '223.255.255.255',
    ])
  })
})

describe(verifies('DSC-02', 'DSC-04', 'discovery.guarded', 'at the edges of every block of the IPv6 registry'), () => {
  test.each([...specialIPv6, ...outsideIPv6])('%s/%d, %s', (...block) => {
    const { inside, outside } = edges(block, 2n ** 128n - 1n)
    for (const number of inside) expect(isPublicAddress(ipv6Of(number)), ipv6Of(number)).toBe(false)
    for (const number of outside) expect(isPublicAddress(ipv6Of(number)), ipv6Of(number)).toBe(isPublicIPv6(number))
  })

  test('addresses just outside are public in the global unicast space, except where blocks touch', () => {
    const outside = specialIPv6.flatMap(block => edges(block, 2n ** 128n - 1n).outside).map(ipv6Of)
    const f = 'ffff:ffff:ffff:ffff:ffff'
    expect(outside.filter(isPublicAddress)).toEqual([
      `2000:ffff:ffff:${f}`,
      '2001:200:0:0:0:0:0:0',
      `2000:ffff:ffff:${f}`,
      `2001:db7:ffff:${f}`,
      '2001:db9:0:0:0:0:0:0',
      `2001:ffff:ffff:${f}`,
      '2003:0:0:0:0:0:0:0',
      `2620:4f:7fff:${f}`,
      '2620:4f:8001:0:0:0:0:0',
      `3ffe:ffff:ffff:${f}`,
      '3fff:1000:0:0:0:0:0:0',
    ])
  })
})

test(verifies('DSC-04', 'the whole of the global unicast space is public, and nothing beyond its edges'), () => {
  expect(isPublicAddress('2000::')).toBe(true)
  expect(isPublicAddress('3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toBe(true)
  expect(isPublicAddress('1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toBe(false)
  expect(isPublicAddress('4000::')).toBe(false)
})

/** Near the edge of some block as often as anywhere: random numbers alone hardly ever meet a /24. */
function addressNear(blocks: readonly Block[], bits: bigint): fc.Arbitrary<bigint> {
  const most = 2n ** bits - 1n
  const near = fc
    .tuple(fc.constantFrom(...blocks), fc.constantFrom('first', 'last'), fc.bigInt({ min: -3n, max: 3n }))
    .map(([block, edge, by]) => rangeOf(block)[edge as 'first' | 'last'] + by)
    .filter(number => number >= 0n && number <= most)
  const within = fc.constantFrom(...blocks).chain(block => {
    const { first, last } = rangeOf(block)
    return fc.bigInt({ min: first, max: last })
  })
  return fc.oneof(fc.bigInt({ min: 0n, max: most }), near, within)
}

/** The ways to spell an IPv6 address that Node takes. */
const spellings: ReadonlyArray<(number: bigint) => string> = [
  ipv6Of,
  number => ipv6Of(number).toUpperCase(),
  number =>
    ipv6Of(number)
      .split(':')
      .map(group => group.padStart(4, '0'))
      .join(':'),
  number => ipv6Of(number).replace(/(^|:)0(:0)+(:|$)/, '::'),
  number => `${ipv6Of(number).split(':').slice(0, 6).join(':')}:${ipv4Of(number & 0xffff_ffffn)}`,
]

test(
  verifies('DSC-02', 'discovery.guarded', 'any IPv4 address is public exactly when no registry names it'),
  () => {
    fc.assert(
      fc.property(addressNear([...specialIPv4, ...platformIPv4], 32n), number => {
        const [ip, isPublic] = [ipv4Of(number), isPublicIPv4(number)]
        return (
          numberOfIPv4(ip) === number &&
          isPublicAddress(ip) === isPublic &&
          isPublicAddress(`64:ff9b::${ip}`) === isPublic &&
          !isPublicAddress(`::ffff:${ip}`)
        )
      }),
      { numRuns },
    )
  },
  timeout,
)

test(
  verifies(
    'DSC-04',
    'discovery.guarded',
    'any IPv6 address in any spelling is public exactly when no registry names it',
  ),
  () => {
    const blocks = [...specialIPv6, ...outsideIPv6, translated, ['2000::', 3, 'global unicast'] as const]
    fc.assert(
      fc.property(addressNear(blocks, 128n), fc.constantFrom(...spellings), (number, spell) => {
        const ip = spell(number)
        return numberOfIPv6(ip.toLowerCase()) === number && isPublicAddress(ip) === isPublicIPv6(number)
      }),
      { numRuns },
    )
  },
  timeout,
)

test(verifies('DSC-02', 'an address with a zone is on a link of this machine and not public'), () => {
  for (const zone of ['%eth0', '%1', '%', '%25eth0']) {
    for (const ip of ['fe80::1', '2606:4700::1', '::1', '::ffff:8.8.8.8', '8.8.8.8'])
      expect(isPublicAddress(ip + zone), ip + zone).toBe(false)
  }
  expect(isPublicAddress('2606:4700::1')).toBe(true)
})
