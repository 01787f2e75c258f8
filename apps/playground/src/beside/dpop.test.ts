import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { dpopCheck } from './dpop.js'
import { dpopProof, forgedProof } from './forged-proof.js'

const request = { method: 'POST', url: 'http://localhost:1/events', token: 'the-access-token' } as const

async function ownKey(): Promise<{ readonly key: JWK; readonly jkt: string }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = await exportJWK(privateKey)
  return { key, jkt: await calculateJwkThumbprint(key) }
}

test('a proof by the key of the token passes, once', async () => {
  const { key, jkt } = await ownKey()
  const check = dpopCheck()
  const proof = await dpopProof(request, key)
  await expect(check(proof, { ...request, jkt })).resolves.toBeUndefined()
  await expect(check(proof, { ...request, jkt })).rejects.toThrow('the proof was used before')
  await expect(check(await dpopProof(request, key), { ...request, jkt })).resolves.toBeUndefined()
})

test('a proof by another key, or for another method, URL or token, is refused', async () => {
  const { key, jkt } = await ownKey()
  const check = dpopCheck()
  const refused = 'the proof is for another request, token or key'
  await expect(check(await forgedProof(request), { ...request, jkt })).rejects.toThrow(refused)
  const proof = await dpopProof(request, key)
  const others = [{ method: 'GET' }, { url: 'http://localhost:1/other' }, { token: 'another' }]
  for (const other of others) await expect(check(proof, { ...request, ...other, jkt })).rejects.toThrow(refused)
  await expect(check(proof, { ...request, jkt })).resolves.toBeUndefined()
})

test('what is no proof is refused', async () => {
  await expect(dpopCheck()('', { ...request, jkt: 'any' })).rejects.toThrow()
})
