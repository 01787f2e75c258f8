import { createSocket, type RemoteInfo } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { verifies } from '@countersign/requirements'
import { expect, onTestFinished, test } from 'vitest'
import { resolveAddresses } from './resolve-addresses.js'

/** What a name server says: response code and, by record type, the data of its answers. */
interface Zone {
  readonly rcode: number
  readonly a?: readonly (readonly number[])[]
  readonly aaaa?: readonly (readonly number[])[]
}

const types = { a: 1, aaaa: 28 }

/** A name server for one zone; undefined: it never answers. Returns its address and the names asked. */
async function nameServer(zone: Zone | undefined): Promise<{ address: string; asked: Set<string> }> {
  const socket = createSocket('udp4')
  const asked = new Set<string>()
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const end = query.indexOf(0, 12) + 5
    asked.add(
      query
        .subarray(12, end - 5)
        .toString('latin1')
        .replace(/[^a-z]+/g, '.'),
    )
    if (zone === undefined) return
    const type = query.readUInt16BE(end - 4)
    const records = (type === types.a ? zone.a : type === types.aaaa ? zone.aaaa : []) ?? []
    const head = Buffer.from([
      query[0] ?? 0,
      query[1] ?? 0,
      0x81,
      0x80 | zone.rcode,
      0,
      1,
      0,
      records.length,
      0,
      0,
      0,
      0,
    ])
    const answers = records.map(data => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]))
    socket.send(Buffer.concat([head, query.subarray(12, end), ...answers]), from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>(resolve => socket.close(() => resolve())))
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, asked }
}

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

test('a name without addresses has none, and one that does not exist neither', async () => {
  const [noData, nxDomain] = [await nameServer({ rcode: 0 }), await nameServer({ rcode: 3 })]
  expect(await resolveAddresses('agent.example', { servers: [noData.address] })).toEqual([])
  expect(await resolveAddresses('agent.example', { servers: [nxDomain.address] })).toEqual([])
})

test(verifies(
  'discovery.deadline',
  'a server that refuses or does not answer is an error, before the deadline',
), async () => {
  const refuses = await nameServer({ rcode: 5 })
  await expect(resolveAddresses('agent.example', { servers: [refuses.address] })).rejects.toThrow()
  const mute = await nameServer(undefined)
  const began = performance.now()
  await expect(resolveAddresses('agent.example', { servers: [mute.address] })).rejects.toThrow()
  expect(performance.now() - began).toBeLessThan(5000)
  expect(mute.asked.size).toBe(1)
}, 10_000)

test(verifies('F-50', 'discovery.deadline', 'the wait ends with the signal, and the sockets with it'), async () => {
  const mute = await nameServer(undefined)
  const stop = new AbortController()
  const began = performance.now()
  const asking = resolveAddresses('agent.example', { servers: [mute.address], signal: stop.signal })
  await expect.poll(() => mute.asked.size).toBe(1)
  stop.abort()
  await expect(asking).rejects.toMatchObject({ code: 'ECANCELLED' })
  expect(performance.now() - began).toBeLessThan(900)
})

test(verifies('discovery.pinned', 'the hosts file of this machine is not asked, only name servers'), async () => {
  const { address, asked } = await nameServer({ rcode: 0, a: [[192, 0, 2, 1]] })
  // In every hosts file: whoever can be made to ask it learns 127.0.0.1.
  expect(await resolveAddresses('localhost', { servers: [address] })).toEqual(['192.0.2.1'])
  expect([...asked]).toEqual(['.localhost'])
})
