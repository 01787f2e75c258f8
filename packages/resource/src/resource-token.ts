import { base64urlEncode } from '@countersign/httpsig'
import { AAuthError, type PublishedKey, serializeScope, signToken } from '@countersign/protocol'
import type { AuthorizedCaller, IdentifiedCaller } from '@countersign/verify'
import type { Counter } from './counter.js'
import type { Observer } from './event.js'
import type { Rate } from './rate.js'

/** Seconds that a resource token lives. */
export const resourceTokenLife = 300

/** What an issuer of resource tokens works with. */
export interface ResourceTokenOptions {
  readonly id: string
  readonly key: PublishedKey
  readonly counter: Counter
  /** How many one agent gets, all its delegates together. */
  readonly rate: Rate
  readonly now: () => number
  readonly tell: Observer
}

/** Issues a resource token to the caller it was verified for. */
export type IssueResourceToken = (
  caller: IdentifiedCaller | AuthorizedCaller,
  ask: { readonly scope: readonly string[]; readonly authServer: string },
) => Promise<string>

/**
 * Makes the issuer of a resource's resource tokens: for exactly the agent, delegate and key that were verified, for 5 min.
 * It throws AAuthError `rate_limited` when an agent asks for more than its share.
 * @see protocol §5
 */
export function resourceTokens(options: ResourceTokenOptions): IssueResourceToken {
  const { id, key, counter, rate, now, tell } = options
  return async (caller, ask) => {
    // Every challenge costs a signature: a flood of refused requests must not (RAT-09).
    const { within, seconds } = await counter.take(JSON.stringify(['resource_token', caller.agent]), rate)
    if (!within) {
      const description = 'too many resource tokens were issued to this agent'
      throw new AAuthError('rate_limited', description, { retryAfter: seconds })
    }
    const iat = Math.floor(now())
    const scope = serializeScope(ask.scope)
    const delegate = caller.delegate
    const claims = {
      iss: id,
      aud: ask.authServer,
      agent: caller.agent,
      ...(delegate === undefined ? {} : { agent_delegate: delegate }),
      agent_jkt: caller.key.thumbprint,
      scope,
      iat,
      exp: iat + resourceTokenLife,
      jti: base64urlEncode(crypto.getRandomValues(new Uint8Array(16))),
    }
    const token = await signToken({ typ: 'resource+jwt', key: key.key, kid: key.kid, claims })
    const to = delegate === undefined ? { agent: caller.agent } : { agent: caller.agent, delegate }
    tell({ type: 'resource_token', ...to, authServer: ask.authServer, scope })
    return token
  }
}
