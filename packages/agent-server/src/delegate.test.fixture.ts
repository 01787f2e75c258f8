import {
  generateSigningKey,
  type ReceivedMessage,
  type SignatureKey,
  type SigningKey,
  thumbprint,
} from '@countersign/httpsig'
import { type KeyProofClaims, type PublishedKey, signKeyProof } from '@countersign/protocol'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { type AgentServer, createAgentServer, type PublishedAgent } from './agent-server.js'
import type { AgentServerOptions } from './agent-server-options.js'
import type { AgentServerEvent } from './event.js'

/** 2026-01-01T00:00:00Z. */
export const newYear = 1_767_225_600

/** An agent server with a clock that tests set, and its events. */
export interface Scene {
  readonly server: AgentServer
  readonly clock: { now: number }
  readonly keys: readonly PublishedKey[]
  readonly events: AgentServerEvent[]
}

export async function scene(options: Partial<AgentServerOptions> = {}): Promise<Scene> {
  const clock = { now: newYear }
  const events: AgentServerEvent[] = []
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const server = await createAgentServer({
    id: 'https://agent.example',
    keys,
    database: 'sqlite::memory:',
    // Instances of one scene share a database, each with a key of its own.
    ...('rotateEvery' in (options.keys ?? keys) ? {} : { knownKeys: 'replace' }),
    now: () => clock.now,
    onEvent: event => events.push(event),
    ...options,
  })
  return { server, clock, keys, events }
}

/** One request to the delegate token endpoint, before it is signed. */
export interface Post {
  readonly key: SigningKey
  readonly signatureKey?: SignatureKey
  readonly body?: string
  readonly contentType?: string
  readonly target?: string
  readonly nonce?: string
}

/** Signs a request as a delegate does; by default with the key itself as `hwk`. */
export async function post({ clock }: Scene, o: Post): Promise<ReceivedMessage> {
  const { key, signatureKey = { scheme: 'hwk', jwk: key.publicJwk }, contentType = 'application/json' } = o
  const target = o.target ?? '/delegate/token'
  const message = await signedMessage({
    as: { key, signatureKey },
    origin: 'https://agent.example',
    target,
    method: 'POST',
    body: o.body,
    contentType: o.body === undefined ? undefined : contentType,
    nonce: o.nonce,
    now: () => clock.now,
  })
  return { ...message, peer: '192.0.2.7' }
}

/** The body of an enrolment by code. */
export function enrollmentBody(code: string): string {
  return JSON.stringify({ enrollment: { type: 'code', code } })
}

/** A delegate that has enrolled. */
export interface Enrolled {
  readonly sub: string
  readonly key: SigningKey
  readonly agentToken: string
}

export async function enrolled(scene_: Scene, sub?: string, series?: string): Promise<Enrolled> {
  const invitation = await scene_.server.invite({
    ...(sub === undefined ? {} : { sub }),
    ...(series === undefined ? {} : { series }),
  })
  const key = await generateSigningKey()
  const response = await scene_.server.handle(await post(scene_, { key, body: enrollmentBody(invitation.code) }))
  const answer: unknown = await response.json()
  if (response.status !== 200) throw new Error('the enrolment that a test starts from was refused', { cause: answer })
  return { sub: invitation.sub, key, agentToken: agentTokenOf(answer) }
}

/** A renewal by `token` under `key`. */
export function renewal(
  scene_: Scene,
  o: { key: SigningKey; agentToken: string; body?: string },
): Promise<ReceivedMessage> {
  const body = o.body === undefined ? {} : { body: o.body }
  return post(scene_, { key: o.key, signatureKey: { scheme: 'jwt', jwt: o.agentToken }, ...body })
}

/** What a test changes in a rotation. */
export interface RotationChanges {
  readonly claims?: Partial<KeyProofClaims>
  /** Signs the proof; default: the new key. */
  readonly prover?: SigningKey
  readonly contentType?: string
}

/** The body of a rotation from the delegate's key to `to`. */
export async function rotationBody(
  { clock }: Scene,
  delegate: Enrolled,
  to: SigningKey,
  { claims, prover = to }: RotationChanges = {},
): Promise<string> {
  const proof = await signKeyProof(
    {
      aud: 'https://agent.example/delegate/token',
      sub: delegate.sub,
      jkt: await thumbprint(delegate.key.publicJwk),
      iat: Math.floor(clock.now),
      jti: crypto.randomUUID(),
      ...claims,
    },
    prover,
  )
  return JSON.stringify({ jwk: to.publicJwk, proof })
}

/** A rotation of the delegate's key to `to`. */
export async function rotation(
  scene_: Scene,
  delegate: Enrolled,
  to: SigningKey,
  changes: RotationChanges = {},
): Promise<ReceivedMessage> {
  return renewal(scene_, { ...delegate, body: await rotationBody(scene_, delegate, to, changes) })
}

/** The `kid`s of the published set, which holds public Ed25519 keys only. */
export async function kidsOf(server: PublishedAgent): Promise<string[]> {
  const target = '/.well-known/jwks.json'
  const response = await server.handle({ method: 'GET', target, headers: [['host', 'agent.example']] })
  const { keys } = (await response.json()) as { keys: Array<Record<string, unknown>> }
  for (const member of keys.flatMap(key => Object.keys(key)))
    if (!['alg', 'crv', 'kid', 'kty', 'use', 'x'].includes(member)) throw new Error(`the set holds ${member}`)
  return keys.map(({ kid }) => String(kid))
}

export function agentTokenOf(answer: unknown): string {
  if (
    typeof answer === 'object' &&
    answer !== null &&
    'agent_token' in answer &&
    typeof answer.agent_token === 'string'
  ) {
    return answer.agent_token
  }
  throw new Error('the answer has no agent_token', { cause: answer })
}
