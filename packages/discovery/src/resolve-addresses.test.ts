import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { httpsHost, ok, pem } from './host.test.fixture.js'
import { nameServer, type Zone } from './name-server.test.fixture.js'
import { guardedFetcher } from './node.js'
import { resolveAddresses } from './resolve-addresses.js'

const two = [
  [192, 0, 2, 1],
  [127, 0, 0, 1],
]
const six = [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]

test(verifies('DSC-05', 'all addresses of both families come back'), async () => {
  const { address, asked } = await nameServer({ rcode: 0, a: two, aaaa: six })
  const found = await resolveAddresses('agent.example', { servers: [address] })
  expect(found).toEqual(['192.0.2.1', '127.0.0.1', '2001:db8::1'])
  expect([...asked]).toEqual(['.agent.example'])
})

test('one family is enough', async () => {
  const { address } = await nameServer({ rcode: 0, aaaa: six })
  expect(await resolveAddresses('agent.example', { servers: [address] })).toEqual(['2001:db8::1'])
})

test('a name without addresses, and a name that does not exist, have none', async () => {
  const [noData, nxDomain] = [await nameServer({ rcode: 0 }), await nameServer({ rcode: 3 })]
  expect(await resolveAddresses('agent.example', { servers: [noData.address] })).toEqual([])
  expect(await resolveAddresses('agent.example', { servers: [nxDomain.address] })).toEqual([])
})

test(verifies('discovery.deadline', 'a server that refuses or does not answer is an error'), async () => {
  const refuses = await nameServer({ rcode: 5 })
  await expect(resolveAddresses('agent.example', { servers: [refuses.address] })).rejects.toThrow()
  const mute = await nameServer(undefined)
  await expect(resolveAddresses('agent.example', { servers: [mute.address], timeout: 0.05 })).rejects.toThrow()
  expect(mute.asked.size).toBe(1)
}, 10_000)

test(verifies('F-50', 'discovery.deadline', 'the wait ends with the signal, and the sockets with it'), async () => {
  const mute = await nameServer(undefined)
  const stop = new AbortController()
  const asking = resolveAddresses('agent.example', { servers: [mute.address], signal: stop.signal })
  await expect.poll(() => mute.asked.size).toBe(1)
  const began = performance.now()
  stop.abort()
  await expect(asking).rejects.toMatchObject({ code: 'ECANCELLED' })
  expect(performance.now() - began).toBeLessThan(900)
})

test(verifies('discovery.pinned', 'the hosts file of this machine is not asked, only name servers'), async () => {
  const { address, asked } = await nameServer({ rcode: 0, a: [[192, 0, 2, 1]] })
  // `localhost` is in every hosts file, as 127.0.0.1.
  expect(await resolveAddresses('localhost', { servers: [address] })).toEqual(['192.0.2.1'])
  expect([...asked]).toEqual(['.localhost'])
})

describe('what a name server can make the fetcher do', () => {
  const refusal = { name: 'AAuthError', code: 'discovery_failed', status: 401 }
  const [loopback, loopback6] = [
    [127, 0, 0, 1],
    [...Array(15).fill(0), 1],
  ] as const
  const fetcherAsking = (address: string, allowLoopback: boolean) =>
    guardedFetcher({
      ca: pem('authority'),
      resolve: host => resolveAddresses(host, { servers: [address] }),
      dangerouslyAllowLoopback: allowLoopback,
    })

  const zones: ReadonlyArray<readonly [string, Zone]> = [
    [verifies('DSC-05', 'a name that says loopback'), { rcode: 0, a: [loopback] }],
    [
      verifies('DSC-05', 'a public address, and loopback in the other family'),
      { rcode: 0, a: [[8, 8, 8, 8]], aaaa: [loopback6] },
    ],
    [
      verifies('DSC-05', 'three public ones and a private one'),
      {
        rcode: 0,
        a: [
          [8, 8, 8, 8],
          [1, 1, 1, 1],
          [9, 9, 9, 9],
          [10, 0, 0, 1],
        ],
      },
    ],
    [
      verifies('DSC-07', 'another name, for a service inside'),
      { rcode: 0, cname: 'kubernetes.default.svc', a: [loopback] },
    ],
    [verifies('DSC-03', 'the metadata service'), { rcode: 0, a: [[169, 254, 169, 254]] }],
  ]
  test.each(zones)('%s: no packet', async (_, zone) => {
    const host = await httpsHost(ok)
    const { address, asked } = await nameServer(zone)
    const url = `https://agent.example:${host.port}/`
    await expect(fetcherAsking(address, false)(url, { maxBytes: 99 })).rejects.toMatchObject(refusal)
    expect([...asked]).toEqual(['.agent.example'])
    expect(host.connections()).toBe(0)
    const honest = await nameServer({ rcode: 0, cname: 'hosting.example', a: [loopback] })
    expect((await fetcherAsking(honest.address, true)(url, { maxBytes: 99 })).status).toBe(200)
  })

  test(verifies('discovery.pinned', 'a name that is rebound between two queries'), async () => {
    const host = await httpsHost(ok)
    let answers = 0
    // The first answer of each family leads to the host, all later ones to a private address.
    const { address, questions } = await nameServer(() => ({ rcode: 0, a: [answers++ < 2 ? loopback : [10, 0, 0, 1]] }))
    const fetcher = fetcherAsking(address, true)
    const url = `https://agent.example:${host.port}/`
    expect((await fetcher(url, { maxBytes: 99 })).status).toBe(200)
    expect(new Set(questions)).toEqual(new Set(['A .agent.example', 'AAAA .agent.example']))
    await expect(fetcher(url, { maxBytes: 99 })).rejects.toMatchObject(refusal)
    expect(host.connections()).toBe(1)
  })
})
