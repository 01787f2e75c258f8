import { generateSigningKey, memoryReplaySet, type ReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { Verified } from './caller.js'
import { network, now, signed } from './network.test.fixture.js'
import { checkReplay } from './replay.js'
import { createVerifier } from './verifier.js'

const api = 'https://api.example'

test(verifies('NON-01', 'NON-09', 'sig.replay.unsafe', 'one of fifty identical requests passes'), async () => {
  const verifier = createVerifier({ receiver: api, discovery: network().discovery, accept: ['hwk'], now: () => now })
  const replay = memoryReplaySet({ now: () => now - 600 })
  const settled = memoryReplaySet({ now: () => now })
  const key = await generateSigningKey()
  const message = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST' })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, async () => checkReplay({ replay: settled, verified: await verifier.verify(message) })),
  )
  expect(outcomes.filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'replay_detected', status: 401 })
  }
  const again = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST' })
  await checkReplay({ replay: settled, verified: await verifier.verify(again) })
  await expect(checkReplay({ replay, verified: await verifier.verify(again) })).rejects.toMatchObject({
    code: 'temporarily_unavailable',
    status: 503,
  })
})

test(
  verifies('F-12', 'a request signed before the replay set started is refused with 503, since it may be a replay'),
  async () => {
    const verifier = createVerifier({ receiver: api, discovery: network().discovery, accept: ['hwk'], now: () => now })
    const key = await generateSigningKey()
    const before = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST', at: now - 5 })
    const replay = memoryReplaySet({ now: () => now })
    await expect(checkReplay({ replay, verified: await verifier.verify(before) })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'starting',
      status: 503,
      retryAfter: 1,
    })
    const after = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST' })
    await checkReplay({ replay, verified: await verifier.verify(after) })
  },
)

test(
  verifies('DOS-23', 'sig.replay.shares', 'pseudonyms of one /48 or one /24 share a tenth, and delay no other network'),
  async () => {
    const replay = memoryReplaySet({ now: () => now, capacity: 1000 })
    const from = async (peer: string, o: { development?: boolean } = {}): Promise<string> => {
      const verified = await pseudonym()
      return checkReplay({ replay, verified, peer, ...o }).then(
        () => 'fresh',
        error => error.code,
      )
    }
    const count = async (peers: readonly string[]): Promise<number> => {
      let fresh = 0
      for (const peer of peers) if ((await from(peer)) === 'fresh') fresh++
      return fresh
    }
    expect(await count(Array.from({ length: 300 }, (_, i) => `2001:db8:7:${i.toString(16)}::1`))).toBe(100)
    expect(await count(Array.from({ length: 256 }, (_, i) => `192.0.2.${i}`))).toBe(100)
    expect(await from('2001:db8:7:ffff::1')).toBe('temporarily_unavailable')
    expect(await from('2001:db8:8::1')).toBe('fresh')
    expect(await from('192.0.3.1')).toBe('fresh')
    // In development all callers are on one machine.
    expect(await from('192.0.2.77', { development: true })).toBe('fresh')
  },
)

test(verifies('DOS-23', 'sig.replay.shares', 'pseudonyms without a known address share as one network'), async () => {
  const replay = memoryReplaySet({ now: () => now, capacity: 1000 })
  const from = async (peer?: string): Promise<string> => {
    const verified = await pseudonym()
    const { caller } = verified
    if (caller.level !== 'pseudonymous') throw new Error('a pseudonym was signed')
    const { peer: _, ...nowhere } = caller
    return checkReplay({ replay, verified: { ...verified, caller: nowhere }, peer }).then(
      () => 'fresh',
      error => error.code,
    )
  }
  let fresh = 0
  for (let i = 0; i < 200; i++) if ((await from()) === 'fresh') fresh++
  // One principal gets half of its site's share.
  expect(fresh).toBe(50)
  expect(await from()).toBe('temporarily_unavailable')
  expect(await from('192.0.3.1')).toBe('fresh')
})

async function pseudonym(): Promise<Verified> {
  const verifier = createVerifier({ receiver: api, discovery: network().discovery, accept: ['hwk'], now: () => now })
  const key = await generateSigningKey()
  return verifier.verify(await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST' }))
}

test(
  verifies('DOS-17', 'an agent takes the share of its registrable domain, or of the site that the operator defines'),
  async () => {
    const net = network()
    const verifier = createVerifier({ receiver: api, discovery: net.discovery, accept: ['jwks_uri'], now: () => now })
    const sites: Array<string | undefined> = []
    const replay: ReplaySet = {
      check: async ({ site }) => {
        sites.push(site)
        return 'fresh'
      },
    }
    const verified = async (id: string): Promise<Verified> => {
      const { key } = await net.publish('aauth-agent', id)
      const signature = { scheme: 'jwks_uri', id, kid: 'k1', dwk: 'aauth-agent' } as const
      return verifier.verify(await signed(`${api}/x`, key, signature, { method: 'POST' }))
    }
    const [one, tenant] = [await verified('https://a1.evil.example'), await verified('https://alice.github.io')]
    await checkReplay({ replay, verified: one })
    await checkReplay({ replay, verified: tenant })
    await checkReplay({ replay, verified: tenant, siteOf: host => host })
    await checkReplay({ replay, verified: one, development: true })
    expect(sites).toEqual(['evil.example', 'github.io', 'alice.github.io', undefined])
  },
)
