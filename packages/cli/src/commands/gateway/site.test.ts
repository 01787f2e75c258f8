import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { siteOf } from './site.js'

test(verifies('RAT-07', 'a site is a registrable domain; tenants of one platform are different sites'), () => {
  const sites: Array<[host: string, site: string | null]> = [
    ['acme.com', 'acme.com'],
    ['agent.eu.acme.com', 'acme.com'],
    ['agent.acme.co.uk', 'acme.co.uk'],
    ['bob.co.uk', 'bob.co.uk'],
    ['alice.github.io', 'alice.github.io'],
    ['x.alice.github.io', 'alice.github.io'],
    ['bob.github.io', 'bob.github.io'],
    ['github.io', null],
    ['a.workers.dev', 'a.workers.dev'],
    ['xn--85x722f.xn--55qx5d.cn', 'xn--85x722f.xn--55qx5d.cn'],
    ['www.xn--85x722f.xn--55qx5d.cn', 'xn--85x722f.xn--55qx5d.cn'],
    ['192.0.2.1', null],
    ['[2001:db8::1]', null],
    ['localhost', null],
  ]
  expect(sites.map(([host]) => [host, siteOf(host)])).toEqual(sites)
})
