import type { Directory } from '@countersign/discovery'
import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import type { Tell } from '../explanation.js'
import type { AgentState } from '../state/state.js'
import type { SignedPost } from '../wire/signed-post.js'

/** The agent at the level *identified*, with the key it signs with. */
export interface Self {
  readonly agent: string
  readonly delegate?: string
  readonly key: SigningKey
  /** Thumbprint of `key`. */
  readonly jkt: string
  readonly signatureKey: SignatureKey
  /** The same agent with an agent token for one receiver; absent where `signatureKey` is for all. */
  readonly at?: (receiver: TokenReceiver, tell: Tell) => Promise<Self>
}

/** Who gets to see an agent token. */
export interface TokenReceiver {
  readonly id: string
  readonly kind: 'resource' | 'auth server'
  /** The scope that it is asked for; absent where that is not known. */
  readonly scope?: readonly string[] | undefined
}

/**
 * Returns the agent as one receiver may see it.
 * @throws AgentError `not_allowed` when the delegation of this agent does not let it go there; nothing was sent
 * @see protocol §9.1 "Delegates"
 */
export async function selfAt(self: Self, receiver: TokenReceiver, tell: Tell): Promise<Self> {
  return self.at === undefined ? self : self.at(receiver, tell)
}

/** The parts of an agent that an identity needs. */
export interface IdentityContext {
  readonly state: AgentState
  readonly discovery: Directory
  readonly post: SignedPost
  readonly now: () => number
  readonly sleep: (seconds: number) => Promise<void>
  readonly random: () => number
  readonly development: boolean
}

/** The identity of an agent, ready to sign. */
export interface Credentials {
  /** The agent server, for a delegate. */
  readonly agentServer?: string
  /** Returns who the agent is, from memory and state. Sends nothing. */
  remembered(): Promise<Self | undefined>
  /** Returns who the agent is. Enrols or renews first if that is due. */
  current(tell: Tell): Promise<Self>
  /** Replaces the key. Delegates only. */
  rotate?(tell: Tell): Promise<void>
}
