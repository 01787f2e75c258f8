import type { SigningKey } from '@countersign/httpsig'
import { signKeyProof } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import type { CurrentKey, DelegateRecord, DelegateStore } from './delegate-record.js'
import {
  type CheckedAgentToken,
  type DelegateSetup,
  type Enrolled,
  findTokenEndpoint,
  keepAgentToken,
  requestAgentToken,
} from './delegate-token.js'

/** Seconds in which a rotation whose answer does not come is repeated: the old key may do so for 60 (protocol §5). */
const repeatFor = 45
/** Seconds for which an agent server that replaces no keys is not asked again. */
const unsupportedFor = 86_400

/**
 * Replaces the key. The new one is saved before the server is asked, and an answer that was lost is asked for again
 * with the same key.
 * @throws AgentError `unsupported` when the agent server replaces no keys; `denied`, `unreachable`, `invalid_answer`
 * @see protocol §5 *Rotation*
 */
export async function rotate(held: Enrolled, setup: DelegateSetup, tell: Tell): Promise<Enrolled> {
  const { agentServer, store } = setup
  const url = await findTokenEndpoint(setup)
  tell(agentServer, 'rotate', `replacing the key at ${agentServer}`)
  const { name, key } = await rotationKey(held.record, store)
  const replacement = { url, held, key }
  // A key that cannot sign is found before it is saved, where it would stand in the way of renewals.
  await keyProof(replacement, setup)
  // `retired` goes: its name is the one the new key was made under.
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

/** A no is remembered: what it leaves in force goes on. */
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
  // After an answer that was lost only the new key may be asked for: the old one may be replaced already.
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

/** Shows that whoever asks holds the new key. */
function keyProof({ url, held, key }: Replacement, { context }: DelegateSetup): Promise<string> {
  const { delegate, jkt } = held.self
  return signKeyProof({ aud: url, sub: delegate, jkt, iat: Math.floor(context.now()), jti: crypto.randomUUID() }, key)
}

/** Signed with the old key. */
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

/** Whether the key is old enough to be replaced, or a replacement was begun. */
export function isRotationDue({ record }: Enrolled, rotateEvery: number, now: number): boolean {
  const { key_since, rotate_after = 0 } = record.current
  return record.next?.for === 'rotation' || now >= Math.max(key_since + rotateEvery, rotate_after)
}
