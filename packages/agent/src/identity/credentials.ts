import type { Directory } from '@countersign/discovery'
import type { SignatureKey, SigningKey } from '@countersign/httpsig'
import type { Tell } from '../explanation.js'
import type { AgentState } from '../state/state.js'
import type { SignedPost } from '../wire/signed-post.js'

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
  readonly discovery: Directory
  readonly post: SignedPost
  readonly now: () => number
  readonly sleep: (seconds: number) => Promise<void>
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
  /** Replaces the key; only a delegate has one that somebody else has to take. */
  rotate?(tell: Tell): Promise<void>
}
