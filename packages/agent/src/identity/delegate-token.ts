import { type SigningKey, thumbprint } from '@countersign/httpsig'
import { type AgentMetadata, type AgentTokenClaims, parseToken } from '@countersign/protocol'
import { verifyAgentToken } from '@countersign/verify'
import { AgentError } from '../error.js'
import type { Tell } from '../explanation.js'
import { checkParticipant, invalidAnswerError } from '../wire/participant.js'
import type { PostRequest } from '../wire/signed-post.js'
import type { IdentityContext, Self } from './credentials.js'
import { type CurrentKey, type DelegateRecord, type DelegateStore, damagedRecordError } from './delegate-record.js'
import type { Enrollment } from './enrollment.js'

/** The agent server of a delegate, how the delegate enrols, and where its record is stored. */
export interface DelegateSetup {
  readonly agentServer: string
  readonly enroll: Enrollment | undefined
  readonly store: DelegateStore
  readonly context: IdentityContext
}

/** A delegate with an agent token. */
export interface Enrolled {
  readonly record: DelegateRecord & { readonly current: CurrentKey }
  readonly self: Self & { readonly delegate: string }
  readonly expires: number
  /** When renewal begins. */
  readonly renewAt: number
}

/** A checked agent token, and its claims. */
export interface CheckedAgentToken {
  readonly token: string
  readonly claims: AgentTokenClaims
}

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
  return toEnrolled({ ...record, current }, key, claims, setup)
}

type TokenTimes = Pick<AgentTokenClaims, 'iss' | 'sub' | 'iat' | 'exp'>

async function readClaims(
  token: string,
  { agentServer, context }: DelegateSetup,
): Promise<TokenTimes & { readonly jkt: string }> {
  try {
    const { iss, payload } = parseToken(token, ['agent+jwt'], { development: context.development })
    const { sub, iat, exp, cnf } = payload
    const jkt = await thumbprint((cnf as AgentTokenClaims['cnf']).jwk)
    if (iss === agentServer && typeof sub === 'string' && typeof iat === 'number' && typeof exp === 'number')
      return { iss, sub, iat, exp, jkt }
  } catch {
    // Thrown below, without a cause: this error could quote the token.
  }
  throw damagedRecordError()
}

async function toEnrolled(
  record: Enrolled['record'],
  key: SigningKey,
  { iss, sub, iat, exp }: TokenTimes,
  { context }: DelegateSetup,
): Promise<Enrolled> {
  const jkt = await thumbprint(key.publicJwk)
  const signatureKey = { scheme: 'jwt', jwt: record.current.agent_token } as const
  // Spread, so that a fleet that enrolled at once does not renew at once.
  const spread = iat + (exp - iat) * (0.7 + 0.2 * context.random())
  // An unanswered rotation is repeated at once: the agent server allows that for a minute only.
  const renewAt = record.next?.for === 'rotation' ? 0 : spread
  return { record, self: { agent: iss, delegate: sub, key, jkt, signatureKey }, expires: exp, renewAt }
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
  return toEnrolled(record, key, claims, setup)
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
  const { name, key, token, claims, enrolled_with } = taken
  const key_since = setup.context.now()
  const until = key_since + longestLife
  const record = {
    current: { key: name, agent_token: token, key_since, ...(enrolled_with === undefined ? {} : { enrolled_with }) },
    // The old key stays for now: requests signed with it, here or in another process, may still be on their way.
    ...(before.current === undefined ? {} : { retired: { key: before.current.key, until } }),
  }
  await setup.store.write(record)
  return toEnrolled(record, key, claims, setup)
}

/** Returns the agent server's `delegate_token_endpoint`. */
export async function findTokenEndpoint({ agentServer, context }: DelegateSetup): Promise<string> {
  const metadata: AgentMetadata = await checkParticipant('agent server', () => context.discovery.agent(agentServer))
  if (metadata.delegate_token_endpoint !== undefined) return metadata.delegate_token_endpoint
  throw new AgentError('unsupported', 'the agent server issues no agent tokens to delegates', { agentServer })
}

/** Requests an agent token and checks it: it must be from this agent server, and for the requested key and delegate. */
export async function requestAgentToken(
  request: Omit<PostRequest, 'to'>,
  wanted: { readonly key: SigningKey; readonly delegate?: string },
  { agentServer, context }: DelegateSetup,
): Promise<CheckedAgentToken> {
  const json = await context.post({ ...request, to: 'agent server' })
  const token = json['agent_token']
  if (typeof token !== 'string') throw invalidAnswerError('agent server', 'agent_token')
  const { discovery, development } = context
  const claims = await checkParticipant('agent server', () =>
    verifyAgentToken({ token, issuer: agentServer, discovery, now: context.now(), development }),
  )
  if ((await thumbprint(claims.cnf.jwk)) !== (await thumbprint(wanted.key.publicJwk)))
    throw invalidAnswerError('agent server', 'cnf')
  // Grants belong to a delegate: a token for another delegate must not inherit them.
  if (wanted.delegate !== undefined && claims.sub !== wanted.delegate) throw invalidAnswerError('agent server', 'sub')
  return { token, claims }
}
