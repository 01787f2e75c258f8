import { verifies } from '@countersign/requirements'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPublicAddress } from './node.js'

const publicAddresses = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.1',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:830::200e',
]

test.each(publicAddresses)('%s is public', ip => {
  expect(isPublicAddress(ip)).toBe(true)
})

const inside = {
  [verifies('DSC-01', 'loopback and unspecified')]: [
    '127.0.0.1',
    '127.255.255.255',
    '0.0.0.0',
    '0.1.2.3',
    '::1',
    '::',
    '0:0:0:0:0:0:0:1',
  ],
  [verifies('DSC-01', 'other spellings of numbers')]: [
    '127.1',
    '0',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '8.8.8',
    '134744072',
    '08.8.8.8',
    '８.8.8.8',
    ' 8.8.8.8',
    '8.8.8.8 ',
    '8.8.8.8\n',
    '8.8.8.8\0',
    '[2606:4700::1]',
    '8.8.8.8:80',
    '8.8.8.8/32',
    '',
    'localhost',
  ],
  [verifies('DSC-02', 'discovery.guarded', 'private, shared, reserved, multicast')]: [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '198.18.0.0',
    '198.19.255.255',
    '192.0.0.0',
    '192.0.0.255',
    '240.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '192.88.99.1',
    '169.254.0.1',
    'fc00::',
    'fdff::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '5f00::1',
    '2001:2::1',
    '2001:10::1',
    '2001:20::1',
    '4000::1',
    'fe80::1%eth0',
    '2606:4700::1%1',
  ],
  [verifies('DSC-03', 'cloud metadata')]: [
    '169.254.169.254',
    'fd00:ec2::254',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '169.254.170.2',
  ],
  [verifies('DSC-04', 'IPv4 inside IPv6')]: [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a9fe:a9fe',
    '::127.0.0.1',
    '::7f00:1',
    '::ffff:0:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::',
    '64:ff9b:1::808:808',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001:0::',
    '2001:0:53aa:64c:0:7fff:f5ff:fffe',
    '::ffff:8.8.8.8',
    '2606:4700::5efe:a00:1',
    '2606:4700::200:5efe:a00:1',
  ],
}

for (const [title, addresses] of Object.entries(inside))
  test.each(addresses)(`${title}: %s is not public`, ip => {
    expect(isPublicAddress(ip)).toBe(false)
    expect(isPublicAddress('8.8.8.8')).toBe(true)
  })

test(verifies('DSC-04', 'NAT64 is judged by the address inside: that is how an IPv6-only network reaches IPv4'), () => {
  expect(isPublicAddress('64:ff9b::8.8.8.8')).toBe(true)
  expect(isPublicAddress('64:ff9b::808:808')).toBe(true)
  expect(isPublicAddress('64:ff9b::a9fe:a9fe')).toBe(false)
})

const octet = fc.integer({ min: 0, max: 255 })
const privateV4 = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127), octet, octet, octet),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
  fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet),
  fc.tuple(fc.constant(198), fc.constantFrom(18, 19), octet, octet),
  fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
)
const hex = (high: number, low: number) => ((high << 8) | low).toString(16)
const embeddings: ReadonlyArray<(dotted: string, high: string, low: string) => string> = [
  dotted => dotted,
  dotted => `::ffff:${dotted}`,
  dotted => `::${dotted}`,
  dotted => `::ffff:0:${dotted}`,
  dotted => `64:ff9b::${dotted}`,
  dotted => `64:ff9b:1::${dotted}`,
  (_, high, low) => `::ffff:${high}:${low}`,
  (_, high, low) => `64:ff9b::${high}:${low}`,
  (_, high, low) => `2002:${high}:${low}::1`,
  (_, high, low) => `2001:0:${high}:${low}::1`,
  (_, high, low) => `2606:4700::5efe:${high}:${low}`,
]

test(verifies('DSC-04', 'discovery.guarded', 'no private IPv4 address is public in any embedding'), () => {
  const cases = fc.tuple(privateV4, fc.constantFrom(...embeddings))
  fc.assert(
    fc.property(cases, ([[a, b, c, d], embed]) => {
      const ip = embed(`${a}.${b}.${c}.${d}`, hex(a, b), hex(c, d))
      return !isPublicAddress(ip) && !isPublicAddress(ip.toUpperCase())
    }),
    { numRuns: 2000 },
  )
})

test('never throws for any text', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), ip => typeof isPublicAddress(ip) === 'boolean'))
})
