import { type SignatureKey, thumbprint } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { checkIdentifier, checkOptionsOffPage } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import type { Credentials, IdentityContext, Self } from './credentials.js'
import { openDelegate } from './delegate.js'
import { checkEnrollment, type Enrollment } from './enrollment.js'

/** Who an agent is. Opaque: made by `pseudonym`, `agentServer` or `delegate`. */
export interface Identity {
  readonly kind: 'pseudonym' | 'agent-server' | 'delegate'
  /** @internal A closure, so that a printed identity shows no keys and codes. */
  readonly open: (context: IdentityContext) => Credentials
}

/**
 * An agent that never identifies itself. It signs with an ephemeral key per origin, so that origins cannot link its requests.
 * @see protocol §1, §3.2 `hwk`
 */
export function pseudonym(): Identity {
  const refuse = async (): Promise<Self> => {
    throw new AgentError('not_allowed', 'a pseudonym has no identity to show')
  }
  return Object.freeze({ kind: 'pseudonym', open: () => ({ remembered: async () => undefined, current: refuse }) })
}

/** The key of an agent server: a fixed key, or a function that returns the current one. */
export type OwnKey = PublishedKey | { readonly key: () => Promise<PublishedKey> }

interface AgentServerIdentity {
  readonly id: string
  readonly kid?: string
  readonly key: object
}

/**
 * An agent with a domain of its own: `id` publishes `/.well-known/aauth-agent` and, under `kid`, the public half of `key`.
 * For keys that change, `key` is a function such as an agent server's `signingKey`. It is called at every request and
 * must return a key that was published at least 30 s ago.
 * @throws TypeError when `id` is not an identifier or `kid` is empty
 * @see protocol §3.2 `jwks_uri`, §10
 */
export function agentServer(options: { readonly id: string } & OwnKey): Identity {
  checkOptionsOffPage('agentServer', options as AgentServerIdentity, { id: 'string', kid: 'string', key: 'object' })
  const { id } = options
  checkIdentifier('id', id, { development: true })
  const own = keySource(options)
  return Object.freeze({
    kind: 'agent-server',
    open: ({ development }: IdentityContext) => {
      checkIdentifier('id of agentServer', id, { development })
      // The same object for the same key, whose thumbprint is computed once.
      let last: (Self & { readonly kid: string }) | undefined
      const self = async (): Promise<Self> => {
        const { kid, key } = await own()
        if (last?.key === key && last.kid === kid) return last
        const signatureKey: SignatureKey = { scheme: 'jwks_uri', id, kid, dwk: 'aauth-agent' }
        last = { agent: id, key, kid, jkt: await thumbprint(key.publicJwk), signatureKey }
        return last
      }
      return { remembered: self, current: self }
    },
  })
}

function keySource(options: OwnKey): () => Promise<PublishedKey> {
  if (typeof options.key === 'function') return options.key
  const { kid, key } = options as PublishedKey
  if (typeof kid !== 'string' || kid === '') throw new TypeError('kid must name the published key')
  return async () => ({ kid, key })
}

/** In seconds. */
const week = 604_800

/** Options of {@link delegate}. */
export interface DelegateIdentity {
  /** Identifier of the agent server. */
  readonly agentServer: string
  /** How the delegate enrols. Needed until it is enrolled, and again when its enrolment is over. */
  readonly enroll?: Enrollment | undefined
  /**
   * Seconds after which the key is replaced, at the next renewal: at least 3600, or Infinity for never. Default: a week.
   * @see protocol §5 *Rotation*
   */
  readonly rotateEvery?: number
}

/**
 * One instance of an agent, which acts for an agent server. It enrols when it must first identify itself, keeps its key and
 * agent token in the agent's state, renews the token ahead of its end and replaces the key from time to time. A token
 * that cannot be renewed is used until its end, and can be renewed for 30 days after that.
 * @throws TypeError when `agentServer` is not an identifier or `enroll` is wrong; RangeError for a wrong `rotateEvery`
 * @see protocol §5 "Delegates get agent tokens"
 * @example
 * ```ts
 * import { delegate } from '@countersign/agent'
 *
 * const identity = delegate({
 *   agentServer: 'https://agent.example',
 *   enroll: { type: 'code', code: 'CODE' }, // used once; the state remembers the enrolment
 * })
 * ```
 */
export function delegate(options: DelegateIdentity): Identity {
  checkOptionsOffPage('delegate', options, { agentServer: 'string', enroll: 'any', rotateEvery: 'any' })
  const { agentServer, rotateEvery = week } = options
  checkIdentifier('agentServer', agentServer, { development: true })
  const enroll = checkEnrollment(options.enroll)
  if (!(rotateEvery >= 3600)) throw new RangeError('rotateEvery must be at least 3600 seconds, or Infinity')
  return Object.freeze({
    kind: 'delegate',
    open: (context: IdentityContext) => {
      checkIdentifier('agentServer', agentServer, context)
      return openDelegate({ agentServer, enroll, rotateEvery }, context)
    },
  })
}
