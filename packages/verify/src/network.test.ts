import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { isPrivatePeer, networkOf, wideNetworkOf } from './network.js'

test(verifies('RAT-02', 'addresses inside one IPv6 /64 count as one network'), () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:0DB8:0001:0002::1')).toBe('2001:db8:1:2::/64')
  expect(networkOf('2001:db8:1:3::1')).toBe('2001:db8:1:3::/64')
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(networkOf('::1')).toBe('0:0:0:0::/64')
})

test('IPv4 addresses count alone, mapped ones as IPv4', () => {
  expect(networkOf('192.0.2.7')).toBe('192.0.2.7')
  expect(networkOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
})

test('an IPv4-mapped address counts as IPv4 in each of its spellings', () => {
  for (const peer of ['::FFFF:192.0.2.7', '::ffff:c000:207', '0:0:0:0:0:ffff:192.0.2.7', '0000::ffff:c000:0207%eth0'])
    expect(networkOf(peer), peer).toBe('192.0.2.7')
  expect(networkOf('64:ff9b::192.0.2.7')).toBe('64:ff9b:0:0::/64')
})

test('wide networks are /48 for IPv6 and /24 for IPv4', () => {
  expect(wideNetworkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1::/48')
  expect(wideNetworkOf('2001:0DB8:0001:ffff::1')).toBe('2001:db8:1::/48')
  expect(wideNetworkOf('2001:db8:2::1')).toBe('2001:db8:2::/48')
  expect(wideNetworkOf('::1')).toBe('0:0:0::/48')
  expect(wideNetworkOf('192.0.2.7')).toBe('192.0.2.0/24')
  expect(wideNetworkOf('::ffff:192.0.2.250')).toBe('192.0.2.0/24')
  expect(wideNetworkOf('192.0.3.7')).toBe('192.0.3.0/24')
  expect(wideNetworkOf('unknown')).toBe('unknown')
})

test('a peer is private on this machine and in networks that are not routed', () => {
  for (const peer of [
    '127.0.0.1',
    '::1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.9.9',
    '192.168.0.1',
    '169.254.1.1',
    '100.64.0.1',
  ])
    expect(isPrivatePeer(peer), peer).toBe(true)
  for (const peer of ['fd12::1', 'fe80::1%eth0', '::ffff:10.0.0.1', '100.127.0.1'])
    expect(isPrivatePeer(peer), peer).toBe(true)
  for (const peer of [
    '192.0.2.1',
    '172.32.0.1',
    '100.128.0.1',
    '11.0.0.1',
    '2001:db8::1',
    '::2',
    'fec0::1',
    'f0::1',
    'unknown',
  ])
    expect(isPrivatePeer(peer), peer).toBe(false)
})
