import {
  base64urlEncode,
  generatePrivateJwk,
  importSigningKey,
  type PrivateJwk,
  type SigningKey,
  thumbprint,
} from '@countersign/httpsig'
import { type AgentMetadata, type AgentTokenClaims, parseToken } from '@countersign/protocol'
import { verifyAgentToken } from '@countersign/verify'
import { AgentError, refusalOf } from './error.js'
import type { Tell } from './explanation.js'
import type { Credentials, IdentityContext, Self } from './identity.js'
import { checked, invalidAnswer } from './participant.js'
import { singleFlight } from './single-flight.js'

/** How a delegate proves to its agent server that it may enrol: a single-use code. */
export interface Enrollment {
  readonly type: 'code'
  readonly code: string
}

/** Seconds before its end at which a token is no longer used. */
const margin = 30
/** Seconds before a renewal that failed is tried again while the token still holds. */
const pause = 30

/** What a delegate keeps in state. */
interface Saved {
  readonly jwk: PrivateJwk
  readonly agent_token: string
  /** SHA-256 of the code it enrolled with: another code means the operator wants another enrolment. */
  readonly code_sha256: string
}

interface Enrolled {
  readonly saved: Saved
  readonly self: Self & { readonly delegate: string }
  readonly expires: number
  /** When renewal begins; moved on when one fails. */
  renewAt: number
}

/** Whose delegate it is, and how it may enrol. */
interface Office {
  readonly agentServer: string
  readonly enroll: Enrollment | undefined
  readonly context: IdentityContext
}

/** The delegate of `agentServer` whose key and token live in the context's state. */
export function enrolledDelegate(
  agentServer: string,
  enroll: Enrollment | undefined,
  context: IdentityContext,
): Credentials {
  const office = { agentServer, enroll, context }
  const once = singleFlight()
  let enrolled: Enrolled | undefined

  const remembered = (): Promise<Enrolled | undefined> =>
    once('load', async () => {
      enrolled ??= await load(office)
      return enrolled
    })
  /** Replaces `old`, unless another call has done so already. */
  const obtain = (old: Enrolled | undefined, tell: Tell): Promise<Enrolled> =>
    once('obtain', async () => {
      if (enrolled !== undefined && enrolled !== old) return enrolled
      enrolled = await (old === undefined ? enrol(office, tell) : renewOrEnrol(old, office, tell))
      return enrolled
    })

  return {
    agentServer,
    remembered: async () => (await remembered())?.self,
    async current(tell) {
      const held = await remembered()
      if (held === undefined) return (await obtain(undefined, tell)).self
      const now = context.now()
      if (now >= held.expires - margin) return (await orUntilExpiry(obtain(held, tell), held, context.now)).self
      if (now >= held.renewAt) obtain(held, tell).catch(() => undefined)
      return held.self
    },
  }
}

/** A token that cannot be renewed is good until it ends. */
async function orUntilExpiry(renewal: Promise<Enrolled>, held: Enrolled, now: () => number): Promise<Enrolled> {
  try {
    return await renewal
  } catch (error) {
    if (now() < held.expires) return held
    throw error
  }
}

const stateKey = (agentServer: string): string => `delegate ${agentServer}`

async function load({ agentServer, context }: Office): Promise<Enrolled | undefined> {
  const value = await context.state.read(stateKey(agentServer))
  if (value === undefined) return undefined
  try {
    const saved = savedDelegate(value)
    const { iss, payload } = parseToken(saved.agent_token, ['agent+jwt'], { development: context.development })
    const { sub, iat, exp } = payload
    if (iss !== agentServer || typeof sub !== 'string' || typeof iat !== 'number' || typeof exp !== 'number')
      throw new TypeError('the saved agent token is not of this agent server')
    return await enrolledWith(saved, await importSigningKey(saved.jwk), { iss, sub, iat, exp }, context)
  } catch {
    // What was thrown could quote a key or a token.
    throw new AgentError('state_unusable', 'the saved enrolment is damaged: remove it and enrol again')
  }
}

function savedDelegate(value: unknown): Saved {
  const { jwk, agent_token, code_sha256 } = value as Partial<Record<keyof Saved, unknown>>
  if (typeof jwk !== 'object' || jwk === null || typeof agent_token !== 'string' || typeof code_sha256 !== 'string')
    throw new TypeError('the saved enrolment lacks a member')
  return { jwk: jwk as PrivateJwk, agent_token, code_sha256 }
}

async function enrolledWith(
  saved: Saved,
  key: SigningKey,
  claims: Pick<AgentTokenClaims, 'iss' | 'sub' | 'iat' | 'exp'>,
  context: IdentityContext,
): Promise<Enrolled> {
  const { iss, sub, iat, exp } = claims
  // Spread, so that a fleet enrolled at one moment does not come back at one moment.
  const renewAt = iat + (exp - iat) * (0.7 + 0.2 * context.random())
  const jkt = await thumbprint(key.publicJwk)
  const self = { agent: iss, delegate: sub, key, jkt, signatureKey: { scheme: 'jwt', jwt: saved.agent_token } } as const
  return { saved, self, expires: exp, renewAt }
}

async function enrol(office: Office, tell: Tell): Promise<Enrolled> {
  const { agentServer, enroll, context } = office
  if (enroll === undefined)
    throw new AgentError('not_allowed', 'this delegate is not enrolled and has no code to enrol with')
  tell(agentServer, 'enroll', `enrolling at ${agentServer} with a fresh key`)
  const jwk = await generatePrivateJwk()
  const key = await importSigningKey(jwk)
  const json = await context.post({
    to: 'agent server',
    url: await delegateTokenEndpoint(office),
    body: new TextEncoder().encode(JSON.stringify({ enrollment: { type: enroll.type, code: enroll.code } })),
    contentType: 'application/json',
    key,
    signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
  })
  return keep(json, { jwk, code_sha256: await digest(enroll.code) }, key, office)
}

async function renewOrEnrol(old: Enrolled, office: Office, tell: Tell): Promise<Enrolled> {
  const { agentServer, enroll, context } = office
  try {
    return await renew(old, office, tell)
  } catch (error) {
    old.renewAt = context.now() + pause
    tell(agentServer, 'renew', 'the agent token could not be renewed')
    const ended = context.now() >= old.expires && refusalOf(error) !== undefined
    if (!ended || enroll === undefined || old.saved.code_sha256 === (await digest(enroll.code))) throw error
    return enrol(office, tell)
  }
}

async function renew(old: Enrolled, office: Office, tell: Tell): Promise<Enrolled> {
  tell(office.agentServer, 'renew', `renewing the agent token at ${office.agentServer}`)
  const { key, signatureKey, delegate } = old.self
  const url = await delegateTokenEndpoint(office)
  const json = await office.context.post({ to: 'agent server', url, key, signatureKey })
  return keep(json, old.saved, key, office, delegate)
}

async function delegateTokenEndpoint({ agentServer, context }: Office): Promise<string> {
  const metadata: AgentMetadata = await checked('agent server', () => context.discovery.agent(agentServer))
  if (metadata.delegate_token_endpoint !== undefined) return metadata.delegate_token_endpoint
  throw new AgentError('unsupported', 'the agent server issues no agent tokens to delegates', { agentServer })
}

/** Checks the answer's agent token before anything is kept: it must be this server's and for this very key. */
async function keep(
  json: Readonly<Record<string, unknown>>,
  own: Pick<Saved, 'jwk' | 'code_sha256'>,
  key: SigningKey,
  { agentServer, context }: Office,
  delegate?: string,
): Promise<Enrolled> {
  const token = json['agent_token']
  if (typeof token !== 'string') throw invalidAnswer('agent server', 'agent_token')
  const { discovery, development } = context
  const claims = await checked('agent server', () =>
    verifyAgentToken({ token, issuer: agentServer, discovery, now: context.now(), development }),
  )
  if ((await thumbprint(claims.cnf.jwk)) !== (await thumbprint(key.publicJwk)))
    throw invalidAnswer('agent server', 'cnf')
  // Grants belong to a delegate: a token for another one must not inherit them.
  if (delegate !== undefined && claims.sub !== delegate) throw invalidAnswer('agent server', 'sub')
  const saved = { jwk: own.jwk, agent_token: token, code_sha256: own.code_sha256 }
  await context.state.write(stateKey(agentServer), saved)
  return enrolledWith(saved, key, claims, context)
}

async function digest(text: string): Promise<string> {
  return base64urlEncode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}
