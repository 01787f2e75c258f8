import type { SigningKey } from '@countersign/httpsig'
import type { BoundedMap } from '@countersign/protocol/internal'
import type { Authorization } from '../grant/authorization.js'
import type { ResourceTokenContext } from '../grant/resource-token.js'
import type { Credentials } from '../identity/credentials.js'
import type { WhyNotIdentify } from './identify-policy.js'
import type { OriginMemory } from './origin-memory.js'

/** The parts of an agent that a call uses. */
export interface ClimbContext extends ResourceTokenContext {
  readonly fetch: typeof fetch
  readonly webBotAuth?: WebBotAuth | undefined
  /** The purposes of calls that name none. */
  readonly purposes: string | undefined
  readonly sleep: (seconds: number, signal?: AbortSignal) => Promise<void>
  readonly credentials: Credentials
  readonly authorization: Authorization
  readonly whyNotIdentify: WhyNotIdentify
  readonly memory: OriginMemory
  /** By origin: the components it demands beyond those that are always covered. */
  readonly components: BoundedMap<string, readonly string[]>
  /** Returns why an error leaves a challenge of `host` unanswered, in a sentence; undefined when the caller must get the error. */
  readonly reasonToGiveUp: (error: unknown, host: string) => string | undefined
  /** Returns the key for pseudonymous requests to an origin. */
  readonly pseudonymFor: (origin: string) => Promise<SigningKey>
}

/** A header line. */
export type Line = readonly [name: string, value: string]

/** A request that a bot signs. */
export interface BotRequest {
  readonly method: string
  readonly url: URL
  /** With those that sign it as an agent. */
  readonly headers: ReadonlyArray<Line>
  readonly body?: Uint8Array | undefined
}

/** Signs requests as those of a verified bot, beside the signature of the agent; `webBotAuth` makes one. @see protocol §3.8 */
export interface WebBotAuth {
  /** The header that says whose bot it is; none for an origin that must not learn it. */
  headers(origin: string): ReadonlyArray<Line>
  /** The header lines to add to a request: none to one without that header. */
  sign(request: BotRequest, now: () => number): Promise<ReadonlyArray<Line>>
}
