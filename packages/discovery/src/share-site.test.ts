import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { registrableDomain as onNode } from './registrable-domain-node.js'
import { registrableDomain as elsewhere } from './registrable-domain-web.js'
import { shareSite } from './share-site.js'

test('subdomains and ports share the site of their registrable domain', () => {
  expect(shareSite('https://acme.example')).toBe('acme.example')
  expect(shareSite('https://a0.b.acme.example:8443')).toBe('acme.example')
  expect(shareSite('https://a.acme.co.uk')).toBe('acme.co.uk')
  expect(shareSite('https://b.other.co.uk')).toBe('other.co.uk')
})

test(verifies('sig.replay.tenants', 'tenants of one host share its site, unless the operator says otherwise'), () => {
  expect(shareSite('https://alice.github.io', host => host)).toBe('alice.github.io')
  expect(shareSite('https://alice.github.io')).toBe('github.io')
  expect(shareSite('https://bob.github.io')).toBe('github.io')
})

test('a host without a registrable domain is a site of its own', () => {
  expect(shareSite('http://localhost:4110')).toBe('localhost')
  expect(shareSite('http://127.0.0.1:4110')).toBe('127.0.0.1')
  expect(shareSite('http://[::1]:4110')).toBe('[::1]')
  expect(shareSite('https://co.uk')).toBe('co.uk')
})

test('an operator can define what a site is', () => {
  expect(shareSite('https://a.team.intranet.example', host => host.split('.').slice(-3).join('.'))).toBe(
    'team.intranet.example',
  )
})

test('without the Public Suffix List the last two labels are the site: never narrower than with the list', () => {
  for (const host of ['acme.example', 'a.b.acme.example', 'alice.github.io', 'localhost', '127.0.0.1', '[::1]'])
    expect(elsewhere(host)).toBe(onNode(host))
  expect(elsewhere('a.acme.co.uk')).toBe('co.uk')
})

test('the site of an identifier is the same however many were asked for', () => {
  for (let round = 0; round < 2; round++)
    for (let at = 0; at < 3000; at++) expect(shareSite(`https://a.b${at}.example`)).toBe(`b${at}.example`)
})

test('a function of the operator is asked each time', () => {
  expect(shareSite('https://a.acme.example')).toBe('acme.example')
  for (const site of ['one', 'two']) expect(shareSite('https://a.acme.example', () => site)).toBe(site)
})
