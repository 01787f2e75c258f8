import { createDiscovery } from '@countersign/discovery'
import { verifies } from '@countersign/requirements'
import { makeWeb } from '@countersign/testing/world/web'
import { readVectors, readWorld, requestOf, type Vector, type VectorRequest } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { createVerifier } from './index.js'

const { documents, receivers, time } = readWorld()

/** What a verifier makes of a request, in the words of the vectors. */
async function judged({ input, receiver = '', at = time }: Vector<VectorRequest>): Promise<Record<string, unknown>> {
  const setUp = receivers[receiver]
  if (setUp === undefined) throw new Error(`no receiver ${receiver}`)
  const now = () => at
  const verifier = createVerifier({
    receiver: setUp.identifier,
    authorities: setUp.authorities,
    tolerance: setUp.window,
    now,
    accept: setUp.accept,
    authServers: setUp.auth_servers,
    agents: setUp.agents,
    discovery: createDiscovery({ now, fetcher: makeWeb(new Map(Object.entries(documents))).fetcher }),
  })
  try {
    const per = { requiredComponents: setUp.additional_signature_components }
    const { caller, opened } = await verifier.verify(requestOf(input), per)
    const { level } = caller
    if (level === 'anonymous') return { result: 'accept', level }
    const facts = { result: 'accept', level, thumbprint: caller.key.thumbprint, base: opened?.base }
    if (level === 'pseudonymous') return facts
    const agent = { ...facts, agent: caller.agent, ...(caller.delegate && { delegate: caller.delegate }) }
    if (level === 'identified') return agent
    const { issuer, scope, user } = caller
    return { ...agent, issuer, scope, ...(user && { user: { iss: user.iss, sub: user.sub } }) }
  } catch (error) {
    const { reason, code, status } = error as Record<string, unknown>
    if (reason === undefined) throw error
    return { result: 'refuse', reason, code, status }
  }
}

// Whether a token without `agent` is taken, the resource decides: own-agent.test.ts of @countersign/resource has that vector.
const ofVerifiers = readVectors('signed-requests').filter(({ id }) => id !== 'resource-is-agent/not-said')

describe('signed requests of the vectors', () => {
  for (const vector of ofVerifiers)
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), async () => {
      const { where: _where, ...expected } = vector.expect as Record<string, unknown>
      expect(await judged(vector)).toEqual(expected)
    })
})
