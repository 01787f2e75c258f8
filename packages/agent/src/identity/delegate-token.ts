import { type SigningKey, thumbprint } from '@countersign/httpsig'
import { type AgentTokenClaims, parseToken } from '@countersign/protocol'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import {
  type CheckedAgentToken,
  type DelegateSetup,
  type Enrolled,
  findTokenEndpoint,
  requestAgentToken,
} from './agent-token-request.js'
import { openAudience } from './audience.js'
import { type DelegateRecord, damagedRecordError } from './delegate-record.js'

/** Seconds for which a token bound to a replaced key may be in use: the longest life of an agent token. */
const longestLife = 86_400

/**
 * Returns the enrolled delegate of a record; undefined when the record has none.
 * @throws AgentError `state_unusable`
 */
export async function loadEnrolled(record: DelegateRecord, setup: DelegateSetup): Promise<Enrolled | undefined> {
  const { current } = record
  if (current === undefined) return undefined
  const claims = await readClaims(current.agent_token, setup)
  const key = await setup.store.load(current.key)
  // Two processes on a state without `exclusively` may have stored another key under this name: its signatures would fail.
  if (key === undefined || (await thumbprint(key.publicJwk)) !== claims.jkt)
    throw new AgentError('state_unusable', 'the key of the saved enrolment is gone: remove it and enrol again')
  return toEnrolled({ ...record, current }, { key, claims }, setup)
}

type TokenFacts = Pick<AgentTokenClaims, 'iss' | 'sub' | 'iat' | 'exp' | 'aud' | 'delegation'>

async function readClaims(
  token: string,
  { agentServer, context }: DelegateSetup,
): Promise<TokenFacts & { readonly jkt: string }> {
  try {
    const { iss, payload } = parseToken(token, ['agent+jwt'], { development: context.development })
    const { sub, iat, exp, cnf, delegation, aud } = payload
    const jkt = await thumbprint((cnf as AgentTokenClaims['cnf']).jwk)
    if (iss === agentServer && typeof sub === 'string' && typeof iat === 'number' && typeof exp === 'number')
      return { iss, sub, iat, exp, jkt, ...(delegation !== undefined && { delegation, aud }) } as TokenFacts & {
        jkt: string
      }
  } catch {
    // Thrown below, without a cause: this error could quote the token.
  }
  throw damagedRecordError()
}

async function toEnrolled(
  record: Enrolled['record'],
  { key, claims }: { readonly key: SigningKey; readonly claims: TokenFacts },
  setup: DelegateSetup,
): Promise<Enrolled> {
  const { context } = setup
  const { iss, sub, iat, exp } = claims
  const jkt = await thumbprint(key.publicJwk)
  const signatureKey = { scheme: 'jwt', jwt: record.current.agent_token } as const
  // Spread, so that a fleet that enrolled at once does not renew at once.
  const spread = iat + (exp - iat) * (0.7 + 0.2 * context.random())
  // An unanswered rotation is repeated at once: the agent server allows that for a minute only.
  const renewAt = record.next?.for === 'rotation' ? 0 : spread
  const self = { agent: iss, delegate: sub, key, jkt, signatureKey }
  const shown = claims.delegation === undefined ? self : { ...self, at: openAudience(self, claims, setup) }
  return { record, self: shown, expires: exp, renewAt }
}

/** Whether the key is old enough to be replaced, or a rotation was begun and not answered. */
export function isRotationDue({ record }: Enrolled, rotateEvery: number, now: number): boolean {
  const { key_since, rotate_after = 0 } = record.current
  return record.next?.for === 'rotation' || now >= Math.max(key_since + rotateEvery, rotate_after)
}

/**
 * Gets a new agent token for the current key.
 * @throws AgentError `denied`, `unreachable`, `invalid_answer`
 * @see protocol §5 *Renewal*
 */
export async function renew(held: Enrolled, setup: DelegateSetup, tell: Tell): Promise<Enrolled> {
  const { agentServer, context, store } = setup
  tell(agentServer, 'renew', `renewing the agent token at ${agentServer}`)
  const { key, signatureKey, delegate } = held.self
  const request = { url: await findTokenEndpoint(setup), key, signatureKey }
  const { token, claims } = await requestAgentToken(request, { key, delegate }, setup)
  const { retired, ...rest } = held.record
  const isOver = retired !== undefined && context.now() > retired.until
  const record = {
    ...rest,
    ...(retired === undefined || isOver ? {} : { retired }),
    current: { ...rest.current, agent_token: token },
  }
  await store.write(record)
  if (isOver) await store.remove(retired.key)
  return toEnrolled(record, { key, claims }, setup)
}

/** Stores a token for a new key, which replaces the current one. */
export async function keepAgentToken(
  before: DelegateRecord,
  taken: CheckedAgentToken & {
    readonly name: string
    readonly key: SigningKey
    readonly enrolled_with?: string | undefined
  },
  setup: DelegateSetup,
): Promise<Enrolled> {
  const { name, token, enrolled_with } = taken
  const key_since = setup.context.now()
  const until = key_since + longestLife
  const record = {
    current: { key: name, agent_token: token, key_since, ...(enrolled_with === undefined ? {} : { enrolled_with }) },
    // The old key stays for now: requests signed with it, here or in another process, may still be on their way.
    ...(before.current === undefined ? {} : { retired: { key: before.current.key, until } }),
  }
  await setup.store.write(record)
  return toEnrolled(record, taken, setup)
}
