import type { SigningKey } from '@countersign/httpsig'
import { signKeyProof } from '@countersign/protocol'
import type { DelegateRecord, DelegateStore } from './delegate-record.js'
import { agentToken, delegateTokenEndpoint, type Enrolled, type Granted, keep, type Office } from './delegate-token.js'
import { AgentError, refusalOf } from './error.js'
import type { Tell } from './explanation.js'

/** Seconds in which a rotation whose answer does not come is repeated: the old key may do so for 60 (protocol §5). */
const patience = 45
/** Seconds for which an agent server that replaces no keys is not asked again. */
const unsupportedFor = 86_400

/**
 * Replaces the key. The new one is saved before the server is asked, and an answer that was lost is asked for again
 * with the same key.
 * @throws AgentError `unsupported` when the agent server replaces no keys; `denied`, `unreachable`, `invalid_answer`
 * @see protocol §5 *Rotation*
 */
export async function rotate(held: Enrolled, office: Office, tell: Tell): Promise<Enrolled> {
  const { agentServer, store } = office
  const url = await delegateTokenEndpoint(office)
  tell(agentServer, 'rotate', `replacing the key at ${agentServer}`)
  const { name, key } = await rotationKey(held.record, store)
  // `retired` goes: its name is the one the new key was made under.
  const { current } = held.record
  await store.write({ current, next: { key: name, for: 'rotation' } })
  try {
    const granted = await untilAnswered(() => ask({ url, held, key }, office), office, tell)
    const rotated = await keep(held.record, { ...granted, name, key, enrolled_with: current.enrolled_with }, office)
    tell(agentServer, 'rotate', 'the key was replaced')
    return rotated
  } catch (error) {
    if (refusalOf(error)?.error !== 'invalid_request') throw error
    const rotate_after = office.context.now() + unsupportedFor
    await store.write({ current: { ...current, rotate_after } })
    throw new AgentError('unsupported', 'the agent server replaces no keys', refusalOf(error))
  }
}

async function rotationKey(
  record: DelegateRecord,
  store: DelegateStore,
): Promise<{ readonly name: string; readonly key: SigningKey }> {
  const { next } = record
  const key = next?.for === 'rotation' ? await store.load(next.key) : undefined
  return next === undefined || key === undefined ? store.generate(record) : { name: next.key, key }
}

/** Signed with the old key, while the proof shows that whoever asks holds the new one. */
async function ask(
  { url, held, key }: { readonly url: string; readonly held: Enrolled; readonly key: SigningKey },
  office: Office,
): Promise<Granted> {
  const { delegate, jkt, key: old, signatureKey } = held.self
  const iat = Math.floor(office.context.now())
  const proof = await signKeyProof({ aud: url, sub: delegate, jkt, iat, jti: crypto.randomUUID() }, key)
  const body = new TextEncoder().encode(JSON.stringify({ jwk: key.publicJwk, proof }))
  return agentToken({ url, key: old, signatureKey, body, contentType: 'application/json' }, { key, delegate }, office)
}

async function untilAnswered(task: () => Promise<Granted>, office: Office, tell: Tell): Promise<Granted> {
  const { now, sleep } = office.context
  const begun = now()
  for (let wait = 1; ; wait *= 3) {
    try {
      return await task()
    } catch (error) {
      const isLost = error instanceof AgentError && error.code === 'unreachable'
      if (!isLost || now() + wait - begun > patience) throw error
      tell(office.agentServer, 'rotate', `no answer from ${office.agentServer}: asking for it again after ${wait} s`)
      await sleep(wait)
    }
  }
}

/** Whether the key is old enough to be replaced, or a replacement was begun. */
export function isRotationDue({ record }: Enrolled, rotateEvery: number, now: number): boolean {
  const { key_since, rotate_after = 0 } = record.current
  return record.next?.for === 'rotation' || now >= Math.max(key_since + rotateEvery, rotate_after)
}
