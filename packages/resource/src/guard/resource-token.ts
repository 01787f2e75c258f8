import { shareSite } from '@countersign/discovery/internal'
import { base64urlEncode, textHash } from '@countersign/httpsig/internal'
import { type Operation, type PublishedKey, serializeScope, signToken } from '@countersign/protocol'
import { refusal, sharedMap } from '@countersign/protocol/internal'
import type { AuthorizedCaller, IdentifiedCaller } from '@countersign/verify'
import { available } from '../limit/available.js'
import type { Counter } from '../limit/counter.js'
import type { SiteOf } from '../limit/limits.js'
import type { Rate } from '../limit/rate.js'
import type { Observer } from './event.js'

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
  /** The site of an agent: its tokens take that site's share of the memory. */
  readonly siteOf?: SiteOf | undefined
  readonly development: boolean
}

/** Bytes of all remembered challenges, about 10 000 of them. */
const challengeBytes = 16 * 1024 * 1024

/** Bytes of a token without the names in it, and of its entry. */
const challengeOverhead = 1200

/** Seconds after which a repeated request gets a new token, because the remembered one ends soon. */
const challengeAge = resourceTokenLife / 2

/** Seconds during which one request can verify, at the largest tolerance. After them its challenge can be forgotten. */
const challengeLife = 601

interface Challenge {
  readonly first: number
  readonly made: number
  readonly token: Promise<string>
}

type Holder = IdentifiedCaller | AuthorizedCaller

/** Issues resource tokens. */
export interface ResourceTokens {
  /**
   * Counts one more for the caller's agent; comes before {@link ResourceTokens.issue}.
   * @throws AAuthError `rate_limited` when the agent asks for more than its share
   */
  allot(caller: Holder): Promise<void>
  /** Takes back the count of a request that was refused as a replay. */
  giveBack(caller: Holder): Promise<void>
  /** Issues a resource token to the verified caller. */
  issue(caller: Holder, ask: ResourceTokenAsk): Promise<string>
  /**
   * Counts and issues one for a request that was refused. The same request gets the same token again, and it counts once: anyone who
   * captured a safe request could else repeat it until its agent gets no tokens.
   * @param base the signature base of the request
   * @throws AAuthError `rate_limited` as {@link ResourceTokens.allot} does
   */
  challenge(caller: Holder, ask: ResourceTokenAsk, base: string): Promise<string>
}

/** What a resource token is for. */
export interface ResourceTokenAsk {
  readonly scope: readonly string[]
  readonly authServer: string
  /** The one request that a user is asked to approve: the user of the token presented, and nobody else. */
  readonly operation?: Operation | undefined
  /** The name in logs of the request that asks. */
  readonly request_id?: string | undefined
}

/**
 * Makes the issuer of a resource's resource tokens: for exactly the agent, delegate and key that were verified, for 5 min.
 * @see protocol §5
 */
export function resourceTokens(options: ResourceTokenOptions): ResourceTokens {
  const { id, key, counter, rate, now, tell } = options
  // Every challenge costs a signature: a flood of refused requests must not (RAT-09).
  const keyOf = (caller: Holder): string => JSON.stringify(['resource_token', caller.agent])
  const allot = async (caller: Holder): Promise<void> => {
    const { within, seconds } = await available(counter.take(keyOf(caller), rate))
    if (within) return
    throw refusal('rate_exceeded', { about: 'for resource tokens', retryAfter: seconds })
  }
  const issue: ResourceTokens['issue'] = async (caller, ask) => {
    const iat = Math.floor(now())
    const scope = serializeScope(ask.scope)
    const delegate = caller.delegate
    const txn = txnOf(caller)
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
      txn,
      ...operationClaims(caller, ask),
    }
    const token = await signToken({ typ: 'resource+jwt', key: key.key, kid: key.kid, claims })
    const to = delegate === undefined ? { agent: caller.agent } : { agent: caller.agent, delegate }
    const { authServer, request_id } = ask
    tell({ type: 'resource_token', ...to, authServer, scope, txn, ...(request_id === undefined ? {} : { request_id }) })
    return token
  }
  const giveBack = async (caller: Holder): Promise<void> => counter.giveBack?.(keyOf(caller), rate)
  return { allot, giveBack, issue, challenge: challengesOf({ allot, issue }, options) }
}

/** Issues the tokens of challenges: one for all repeats of a request. */
function challengesOf(
  { allot, issue }: Pick<ResourceTokens, 'allot' | 'issue'>,
  { now, development, siteOf }: ResourceTokenOptions,
): ResourceTokens['challenge'] {
  // bound: 16 MiB of challenges, 601 s each; bytes: 16 MiB; grown by a stranger; shared: a site that holds over a tenth
  // gives way first; each one counts against the limit of its agent; filled by shared-map.test.ts "free room is open to
  // every owner"
  const challenges = sharedMap<string, Challenge>({ maxBytes: challengeBytes })
  return async (caller, ask, base) => {
    const scope = serializeScope(ask.scope)
    const name = await textHash(
      JSON.stringify([caller.key.thumbprint, base, scope, ask.authServer, ask.operation?.digest ?? null]),
    )
    const at = now()
    challenges.deleteWhile(({ first }) => at - first > challengeLife)
    const known = challenges.get(name)
    if (known !== undefined && at - known.made < challengeAge) return known.token
    // Noted before it is counted: of many repeats at once one is counted.
    const token = known === undefined ? allot(caller).then(() => issue(caller, ask)) : issue(caller, ask)
    const shown = ask.operation === undefined ? 0 : JSON.stringify(ask.operation).length
    const length = caller.agent.length + (caller.delegate?.length ?? 0) + scope.length + ask.authServer.length + shown
    const share = development ? undefined : shareSite(caller.agent, siteOf)
    const worth = { bytes: challengeOverhead + 2 * length, share }
    challenges.set(name, { first: known?.first ?? at, made: at, token }, worth)
    try {
      return await token
    } catch (error) {
      if (challenges.get(name)?.token === token) challenges.delete(name)
      throw error
    }
  }
}

/** What is to be approved, and by whom: the user of the token presented, if it has one. */
function operationClaims(caller: Holder, { operation }: ResourceTokenAsk): { operation?: Operation; sub?: string } {
  if (operation === undefined) return {}
  const sub = caller.level === 'authorized' ? caller.token.sub : undefined
  return sub === undefined ? { operation } : { operation, sub }
}

/** The audit id of what the caller does: that of its auth token goes on, else a new one begins. */
function txnOf(caller: Holder): string {
  return (caller.level === 'authorized' ? caller.token.txn : undefined) ?? crypto.randomUUID()
}
