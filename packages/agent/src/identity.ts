import type { Discovery } from '@countersign/discovery'
import { type SignatureKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import { isIdentifier } from '@countersign/protocol'
import { type Enrollment, enrolledDelegate } from './delegate.js'
import { AgentError } from './error.js'
import type { Tell } from './explanation.js'
import type { SignedPost } from './signed-post.js'
import type { AgentState } from './state.js'

/** Who the agent is at the level *identified*, ready to sign. */
export interface Self {
  readonly agent: string
  readonly delegate?: string
  readonly key: SigningKey
  /** Thumbprint of `key`. */
  readonly jkt: string
  readonly signatureKey: SignatureKey
}

/** What an identity works with once it belongs to an agent. */
export interface IdentityContext {
  readonly state: AgentState
  readonly discovery: Discovery
  readonly post: SignedPost
  readonly now: () => number
  readonly random: () => number
  readonly development: boolean
}

/** The identity at work. */
export interface Credentials {
  /** The agent server whose delegate this is. */
  readonly agentServer?: string
  /** Who the agent is as far as this machine knows; asks nobody. */
  remembered(): Promise<Self | undefined>
  /** Who the agent is; enrols or renews where that is due, and tells so. */
  current(tell: Tell): Promise<Self>
}

/** Who an agent is. Opaque: made by `pseudonym`, `agentServer` or `delegate`. */
export interface Identity {
  readonly kind: 'pseudonym' | 'agent-server' | 'delegate'
  /** @internal Keys and codes live in this closure only, so that printing an identity shows none. */
  readonly open: (context: IdentityContext) => Credentials
}

/**
 * An agent that never says who it is: it signs with an ephemeral key per origin, so that origins cannot compare notes.
 * @see protocol §1, §3.2 `hwk`
 */
export function pseudonym(): Identity {
  const refuse = async (): Promise<Self> => {
    throw new AgentError('not_allowed', 'a pseudonym has no identity to show')
  }
  return Object.freeze({ kind: 'pseudonym', open: () => ({ remembered: async () => undefined, current: refuse }) })
}

/**
 * An agent with its own authority: `id` publishes `/.well-known/aauth-agent` and, under `kid`, the public half of `key`.
 * @throws TypeError when `id` is not an identifier or `kid` is empty
 * @see protocol §3.2 `jwks_uri`
 */
export function agentServer(options: {
  readonly id: string
  readonly kid: string
  readonly key: SigningKey
}): Identity {
  const { id, kid, key } = options
  if (!isIdentifier(id, { development: true }))
    throw new TypeError('id must be an identifier such as https://agent.example')
  if (typeof kid !== 'string' || kid === '') throw new TypeError('kid must name the published key')
  return Object.freeze({
    kind: 'agent-server',
    open: ({ development }: IdentityContext) => {
      if (!isIdentifier(id, { development })) throw new TypeError('http identifiers are for development only')
      const signatureKey: SignatureKey = { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' }
      const self = async (): Promise<Self> => ({ agent: id, key, jkt: await thumbprint(key.publicJwk), signatureKey })
      return { remembered: self, current: self }
    },
  })
}

/**
 * One instance that acts for an agent server. It enrols the first time it must say who it is, keeps its key and
 * agent token in the agent's state, and renews the token ahead of its end. Once enrolled it needs no `enroll`.
 * @throws TypeError when `agentServer` is not an identifier or the code is empty
 * @see protocol §5 "Delegates get agent tokens"
 */
export function delegate(options: { readonly agentServer: string; readonly enroll?: Enrollment }): Identity {
  const { agentServer, enroll } = options
  if (!isIdentifier(agentServer, { development: true }))
    throw new TypeError('agentServer must be an identifier such as https://agent.example')
  if (enroll !== undefined && (enroll.type !== 'code' || typeof enroll.code !== 'string' || enroll.code === ''))
    throw new TypeError('enroll must be { type: "code", code }')
  return Object.freeze({
    kind: 'delegate',
    open: (context: IdentityContext) => {
      if (!isIdentifier(agentServer, { development: context.development }))
        throw new TypeError('http identifiers are for development only')
      return enrolledDelegate(agentServer, enroll, context)
    },
  })
}
