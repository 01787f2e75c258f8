import { expect, test } from 'vitest'
import { parsePublicJwk } from '../index.js'
import { generate, importPrivate, importPublic, verifyOn } from './crypto-node.js'

const data = new TextEncoder().encode('data')

test.each(['caller', 'pool'] as const)('a key verifies the same on %s', async where => {
  const privateJwk = await generate('Ed25519')
  const { d, ...members } = privateJwk
  const signer = await importPrivate(privateJwk)
  const key = await importPublic(parsePublicJwk(members))
  verifyOn(where)
  try {
    const signature = await signer.sign(data)
    expect(await key.verify(data, signature)).toBe(true)
    expect(await key.verify(data.subarray(1), signature)).toBe(false)
    let isVerified = false
    key.verify(data, signature).then(verdict => {
      isVerified = verdict
    })
    // Turns of the microtask queue only: what runs on another thread cannot have come back.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    expect(isVerified).toBe(where === 'caller')
  } finally {
    verifyOn('caller')
  }
})
