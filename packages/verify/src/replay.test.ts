import { generateSigningKey, memoryReplaySet } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { network, now, signed } from './network.test.fixture.js'
import { checkReplay } from './replay.js'
import { createVerifier } from './verifier.js'

const api = 'https://api.example'

test(verifies('NON-01', 'NON-09', 'sig.replay.unsafe', 'of fifty identical requests one passes'), async () => {
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
  verifies('F-12', 'what was signed before the set began is refused with 503, since it may be a replay'),
  async () => {
    const verifier = createVerifier({ receiver: api, discovery: network().discovery, accept: ['hwk'], now: () => now })
    const key = await generateSigningKey()
    const before = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST', at: now - 5 })
    const replay = memoryReplaySet({ now: () => now })
    await expect(checkReplay({ replay, verified: await verifier.verify(before) })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      status: 503,
      retryAfter: 1,
    })
    const after = await signed(`${api}/x`, key, { scheme: 'hwk', jwk: key.publicJwk }, { method: 'POST' })
    await checkReplay({ replay, verified: await verifier.verify(after) })
  },
)
