import { fetch as otherSign, verify as otherVerify } from '@hellocoop/httpsig'
import { expect, test } from 'vitest'
import {
  generatePrivateJwk,
  importSigningKey,
  importVerifyKey,
  openSignature,
  signRequest,
  verifySignature,
} from './index.js'

// The nearest other implementation, in both directions, where its profile allows.

const url = 'https://calendar.example/events'
const body = new TextEncoder().encode('{"title":"lunch"}')
const open = { authorities: ['calendar.example'], scheme: 'https' } as const

test.each(['Ed25519', 'ES256', 'ES384', 'PS512'] as const)(
  'a signature made here with %s verifies there',
  async algorithm => {
    const key = await importSigningKey(await generatePrivateJwk(algorithm))
    const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
    const type = [['content-type', 'application/json']] as const
    const request = { method: 'POST', authority: 'calendar.example', path: '/events', body }
    const headers = Object.fromEntries([
      ...type,
      ...(await signRequest({ method: 'POST', url, headers: type, body, key, signatureKey })),
    ])
    expect(await otherVerify({ ...request, headers }, { requireContentDigest: true })).toMatchObject({ verified: true })
    expect(await otherVerify({ ...request, headers, path: '/other' })).toMatchObject({ verified: false })
  },
)

test.each(['Ed25519', 'ES256', 'ES384', 'PS512'] as const)(
  'a signature made there with %s verifies here',
  async algorithm => {
    const jwk = await generatePrivateJwk(algorithm)
    const signing = { signingKey: { ...jwk }, signatureKey: { type: 'hwk' }, dryRun: true } as const
    for (const [method, extra] of [
      ['GET', {}],
      ['POST', { body, headers: { 'content-type': 'application/json' } }],
    ] as const) {
      const { headers } = await otherSign(url, { ...signing, method, ...extra })
      const message = { method, target: '/events', headers: [...headers], ...(method === 'POST' ? { body } : {}) }
      const opened = openSignature(message, open)
      if (opened.signatureKey.scheme !== 'hwk') throw new Error('not inline')
      const verifier = await importVerifyKey(opened.signatureKey.jwk)
      await expect(verifySignature(opened, verifier)).resolves.toBeUndefined()
      await expect(verifySignature(openSignature({ ...message, target: '/other' }, open), verifier)).rejects.toThrow()
    }
  },
)
