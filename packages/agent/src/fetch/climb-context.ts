import type { SigningKey } from '@countersign/httpsig'
import type { BoundedMap } from '@countersign/protocol'
import type { Authorization } from '../grant/authorization.js'
import type { ResourceTokenContext } from '../grant/resource-token.js'
import type { Credentials } from '../identity/credentials.js'
import type { WhyNotIdentify } from './identify-policy.js'
import type { OriginMemory } from './origin-memory.js'

/** The parts of an agent that a call works with. */
export interface ClimbContext extends ResourceTokenContext {
  readonly fetch: typeof fetch
  readonly sleep: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly credentials: Credentials
  readonly authorization: Authorization
  readonly whyNotIdentify: WhyNotIdentify
  readonly memory: OriginMemory
  /** Components each origin has asked for beyond the usual ones. */
  readonly components: BoundedMap<string, readonly string[]>
  /** Why a challenge of `host` is left unmet after an error, in a sentence; undefined when the error must reach the caller. */
  readonly reasonToGiveUp: (error: unknown, host: string) => string | undefined
  /** The key for an origin that needs no name. */
  readonly pseudonymFor: (origin: string) => Promise<SigningKey>
}
