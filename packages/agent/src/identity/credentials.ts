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
