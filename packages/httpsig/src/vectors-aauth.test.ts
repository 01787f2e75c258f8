import { verifies } from '@countersign/requirements'
import { bytesOf, readVectors, readWorld, requestOf, type Vector, type VectorInputs } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { HttpSigError } from './error.js'
import {
  importVerifyKey,
  matchesContentDigest,
  openSignature,
  type PublicJwk,
  parseContentDigest,
  parsePublicJwk,
  parseSignatureKey,
  verifySignature,
} from './index.js'

const { receivers, time } = readWorld()

type Kind = 'content-digests' | 'public-keys' | 'signature-bases' | 'signature-keys'
type Judges = { readonly [K in Kind]: (vector: Vector<VectorInputs[K]>) => Promise<object> }

async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  return (await importVerifyKey(jwk)).thumbprint
}

/** What this package makes of each kind of input: the facts, or an error. */
const judges: Judges = {
  async 'signature-bases'({ input, receiver = '', at = time }) {
    const { authorities = [], window = 60 } = receivers[receiver] ?? {}
    const options = { authorities, scheme: 'https', tolerance: window, now: () => at } as const
    const opened = openSignature(requestOf(input), options)
    if (opened.signatureKey.scheme !== 'hwk') throw new Error('these vectors have inline keys only')
    const key = await importVerifyKey(opened.signatureKey.jwk)
    await verifySignature(opened, key)
    return { level: 'pseudonymous', thumbprint: key.thumbprint, base: opened.base }
  },
  async 'signature-keys'({ input }) {
    const { label, key } = parseSignatureKey(input.line)
    const { scheme } = key
    if (scheme === 'hwk') return { label, scheme, thumbprint: await thumbprintOf(key.jwk) }
    return scheme === 'jwt' ? { label, scheme, jwt: key.jwt } : { label, scheme, id: key.id, kid: key.kid }
  },
  async 'content-digests'({ input }) {
    if (await matchesContentDigest(parseContentDigest(input.line), bytesOf(input.body))) return {}
    throw new HttpSigError('invalid_signature', 'another body', { reason: 'digest_wrong' })
  },
  async 'public-keys'({ input }) {
    const { algorithm, thumbprint } = await importVerifyKey(parsePublicJwk(input.jwk))
    return { algorithm, thumbprint }
  },
}

async function judged<K extends Kind>(kind: K, vector: Vector<VectorInputs[K]>): Promise<object> {
  try {
    return { result: 'accept', ...(await judges[kind](vector)) }
  } catch (error) {
    if (!(error instanceof HttpSigError)) throw error
    const { reason, code, status } = error
    return { result: 'refuse', reason, code, status }
  }
}

describe.each(Object.keys(judges) as Kind[])('%s of the vectors', kind => {
  for (const vector of readVectors(kind))
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), async () => {
      const { where: _where, ...expected } = vector.expect as Record<string, unknown>
      expect(await judged(kind, vector)).toEqual(expected)
    })
})
