import { createDiscovery } from '@countersign/discovery'
import { importVerifyKey } from '@countersign/httpsig'
import { parseToken } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { makeWeb } from '@countersign/testing/world/web'
import { readVectors, readWorld, type Vector, type VectorToken } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { openCallerToken, verifyResourceToken } from './token.js'

const { documents, time } = readWorld()

function discoveryAt(at: number) {
  return createDiscovery({ now: () => at, fetcher: makeWeb(new Map(Object.entries(documents))).fetcher })
}

/** Reads the agent token or auth token of a caller. */
async function callerFacts(typ: 'agent+jwt' | 'auth+jwt', { input, at = time }: Vector<VectorToken>) {
  const parsed = parseToken(input.token, [typ])
  // No signature of a request follows, which would show that the key in cnf is one.
  const confirmationKeys = { import: importVerifyKey }
  const { proven, token } = await openCallerToken(parsed, {
    receiver: input.audience,
    discovery: discoveryAt(at),
    confirmationKeys,
    now: at,
    expiredGrace: 0,
  })
  await proven
  const { facts } = token
  const { agent, delegate, key } = facts
  const shared = { agent, ...(delegate !== undefined && { delegate }), thumbprint: key.thumbprint }
  if (facts.level === 'identified') return shared
  const { issuer, scope, user } = facts
  return { ...shared, issuer, scope, ...(user && { user: { iss: user.iss, sub: user.sub } }) }
}

async function resourceFacts({ input, at = time }: Vector<VectorToken>) {
  const check = { token: input.token, audience: input.audience, discovery: discoveryAt(at), now: at }
  const { iss, agent, agent_delegate, agent_jkt, scope } = await verifyResourceToken(check)
  const delegate = agent_delegate === undefined ? {} : { delegate: agent_delegate }
  return { resource: iss, agent, ...delegate, thumbprint: agent_jkt, scope: scope.split(' ') }
}

const readers = {
  'agent-tokens': (vector: Vector<VectorToken>) => callerFacts('agent+jwt', vector),
  'auth-tokens': (vector: Vector<VectorToken>) => callerFacts('auth+jwt', vector),
  'resource-tokens': resourceFacts,
} as const

async function judged(vector: Vector<VectorToken>, kind: keyof typeof readers): Promise<Record<string, unknown>> {
  try {
    return { result: 'accept', ...(await readers[kind](vector)) }
  } catch (error) {
    const { reason, code, status } = error as Record<string, unknown>
    if (reason === undefined) throw error
    return { result: 'refuse', reason, code, status }
  }
}

describe.each(['agent-tokens', 'auth-tokens', 'resource-tokens'] as const)('%s of the vectors', kind => {
  for (const vector of readVectors(kind))
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), async () => {
      const { where: _where, ...expected } = vector.expect as Record<string, unknown>
      expect(await judged(vector, kind)).toEqual(expected)
    })
})
