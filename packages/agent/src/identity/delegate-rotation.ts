import type { SigningKey } from '@countersign/httpsig'
import { signKeyProof } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import {
  type CheckedAgentToken,
  type DelegateSetup,
  type Enrolled,
  findTokenEndpoint,
  requestAgentToken,
} from './agent-token-request.js'
import type { CurrentKey, DelegateRecord, DelegateStore } from './delegate-record.js'
import { keepAgentToken } from './delegate-token.js'

/** Seconds for which an unanswered rotation is repeated. The agent server allows the old key 60 (protocol §5). */
const repeatFor = 45
/** Seconds until an agent server that does not replace keys is asked again. */
const unsupportedFor = 86_400

/**
 * Replaces the key. The new key is saved before the request; when the answer is lost, the request is repeated with it.
 * @throws AgentError `unsupported` when the agent server does not replace keys; `denied`, `unreachable`, `invalid_answer`
 * @see protocol §5 *Rotation*
 */
export async function rotate(held: Enrolled, setup: DelegateSetup, tell: Tell): Promise<Enrolled> {
  const { agentServer, store } = setup
  const url = await findTokenEndpoint(setup)
  tell(agentServer, 'rotate', `replacing the key at ${agentServer}`)
  const { name, key } = await rotationKey(held.record, store)
  const replacement = { url, held, key }
  // Found before it is saved: a new key that cannot sign would block renewals.
  await keyProof(replacement, setup)
  // Without `retired`: the new key has taken its name.
  const { current, next } = held.record
  await store.write({ current, next: { key: name, for: 'rotation' } })
  let mayBeTaken = next?.for === 'rotation'
  const attempt = async (): Promise<CheckedAgentToken> => {
    try {
      return await requestRotation(replacement, setup)
    } catch (error) {
      mayBeTaken ||= refusalOf(error) === undefined
      throw error
    }
  }
  try {
    const granted = await repeatUntilAnswered(attempt, setup, tell)
    const rotated = await keepAgentToken(
      held.record,
      { ...granted, name, key, enrolled_with: current.enrolled_with },
      setup,
    )
    tell(agentServer, 'rotate', 'the key was replaced')
    return rotated
  } catch (error) {
    throw await rememberRefusal(error, { current, mayBeTaken }, setup)
  }
}

/** Records a refusal, so that the current key goes on. Returns the error to throw. */
async function rememberRefusal(
  error: unknown,
  { current, mayBeTaken }: { readonly current: CurrentKey; readonly mayBeTaken: boolean },
  { store, context }: DelegateSetup,
): Promise<unknown> {
  const refusal = refusalOf(error)
  if (refusal === undefined || refusal.error === 'invalid_agent_token') return error
  if (refusal.error === 'invalid_request') {
    await store.write({ current: { ...current, rotate_after: context.now() + unsupportedFor } })
    return new AgentError('unsupported', 'the agent server replaces no keys', refusal)
  }
  // After a lost answer the new key stays saved: the server may have replaced the old one already.
  if (!mayBeTaken) await store.write({ current })
  return error
}

async function rotationKey(
  record: DelegateRecord,
  store: DelegateStore,
): Promise<{ readonly name: string; readonly key: SigningKey }> {
  const { next } = record
  const key = next?.for === 'rotation' ? await store.load(next.key) : undefined
  return next === undefined || key === undefined ? store.generate(record) : { name: next.key, key }
}

interface Replacement {
  readonly url: string
  readonly held: Enrolled
  readonly key: SigningKey
}

/** Proves possession of the new key. */
function keyProof({ url, held, key }: Replacement, { context }: DelegateSetup): Promise<string> {
  const { delegate, jkt } = held.self
  return signKeyProof({ aud: url, sub: delegate, jkt, iat: Math.floor(context.now()), jti: crypto.randomUUID() }, key)
}

/** Requests the rotation, signed with the old key. */
async function requestRotation(replacement: Replacement, setup: DelegateSetup): Promise<CheckedAgentToken> {
  const { url, held, key } = replacement
  const { delegate, key: old, signatureKey } = held.self
  const json = JSON.stringify({ jwk: key.publicJwk, proof: await keyProof(replacement, setup) })
  return requestAgentToken({ url, key: old, signatureKey, content: { json } }, { key, delegate }, setup)
}

async function repeatUntilAnswered(
  task: () => Promise<CheckedAgentToken>,
  setup: DelegateSetup,
  tell: Tell,
): Promise<CheckedAgentToken> {
  const { now, sleep } = setup.context
  const begun = now()
  for (let wait = 1; ; wait *= 3) {
    try {
      return await task()
    } catch (error) {
      const isLost = error instanceof AgentError && error.code === 'unreachable'
      if (!isLost || now() + wait - begun > repeatFor) throw error
      tell(setup.agentServer, 'rotate', `no answer from ${setup.agentServer}: asking for it again after ${wait} s`)
      await sleep(wait)
    }
  }
}
