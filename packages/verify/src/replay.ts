import type { SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import type { ReplayEntry, ReplaySet, ReplayVerdict, TokenUse } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { checkOptions, type OptionChecks, refusal } from '@countersign/protocol/internal'
import type { Caller, Verified } from './caller.js'
import { networkOf, wideNetworkOf } from './network.js'

/** The options of {@link checkReplay} and {@link refuseSeen}. */
export interface ReplayCheck {
  readonly replay: ReplaySet
  readonly verified: Verified
  /** `token` for token endpoints; otherwise the caller's level. */
  readonly partition?: 'token'
  /** The caller's address according to trusted proxies. Default: the address of the connection. */
  readonly peer?: string | undefined
  /** The site of a host name. Default: its registrable domain, see `shareSite`. */
  readonly siteOf?: SiteOf | undefined
  /** Counts no sites and networks: in development all names are on one machine. Default false. */
  readonly development?: boolean | undefined
}

const checks: OptionChecks<ReplayCheck> = {
  replay: 'object',
  verified: 'object',
  partition: ['token'],
  peer: 'string',
  siteOf: 'function',
  development: 'boolean',
}

/**
 * Lets a verified request pass once and refuses its replays.
 * Call it last, after level, scope and limit: a request refused for those may be sent again.
 * @throws AAuthError `replay_detected`; or `temporarily_unavailable`, not processed, when the replay set is full, has just
 * started, or is unreachable
 * @see protocol §3.7
 */
export async function checkReplay(check: ReplayCheck): Promise<void> {
  checkOptions('checkReplay', check, checks, ['replay', 'verified'])
  const entry = replayEntryOf(check)
  if (entry !== undefined) await rememberOnce(check.replay, entry)
}

/** As {@link checkReplay}, for a request whose entry is made by its receiver. */
export async function rememberOnce(replay: ReplaySet, entry: ReplayEntry): Promise<void> {
  let verdict: ReplayVerdict
  try {
    verdict = await replay.check(entry)
  } catch (cause) {
    throw unreachable(cause)
  }
  if (verdict !== 'fresh') throw refusalOf(verdict)
}

function refusalOf(verdict: Exclude<ReplayVerdict, 'fresh'>): AAuthError {
  switch (verdict) {
    case 'replayed':
      return refusal('request_replayed')
    case 'full':
      return noRoom()
    case 'early':
      return refusal('starting', { retryAfter: 1, notProcessed: true })
  }
}

/**
 * Refuses a replay, without remembering a request that is none.
 * Call it before the request is counted against a limit of its caller: otherwise replays of a captured request fill the limit
 * while they are processed, and the agent's own requests are refused. {@link checkReplay} still comes last.
 * @throws AAuthError `replay_detected`; or `temporarily_unavailable`, not processed, when the replay set is unreachable
 * @see protocol §3.7
 */
export async function refuseSeen(check: ReplayCheck): Promise<void> {
  checkOptions('refuseSeen', check, checks, ['replay', 'verified'])
  const { replay } = check
  const entry = replay.seen === undefined ? undefined : replayEntryOf(check)
  if (entry !== undefined) await refuseRemembered(replay, entry)
}

/** As {@link refuseSeen}, for a request whose entry is made by its receiver. */
export async function refuseRemembered(replay: ReplaySet, entry: ReplayEntry): Promise<void> {
  if (await askReplaySet(async () => replay.seen?.(entry))) throw refusal('request_replayed')
}

/**
 * Takes the approval of an auth token, which is good for one request. A token from before the start of the set counts as used: its request
 * may have been carried out (APR-05).
 * @throws AAuthError `replay_detected`: nobody is to be asked again before somebody has looked; `temporarily_unavailable`, not processed,
 * when the replay set is full or unreachable
 * @see protocol §9.4
 */
export async function takeApproval(check: ReplayCheck): Promise<void> {
  checkOptions('takeApproval', check, checks, ['replay', 'verified'])
  const { replay } = check
  const use = approvalOf(check)
  if (use === undefined || replay.takeToken === undefined)
    throw new TypeError('only a replay set with takeToken takes approvals, of auth tokens')
  switch (await askReplaySet(async () => replay.takeToken?.(use))) {
    case 'fresh':
      return
    case 'full':
      throw noRoom()
    default:
      throw refusal('approval_used')
  }
}

/**
 * Refuses an approval that was used, and takes none. Call it before another refusal of a request with an approval: "send it later" would
 * say that the request was not carried out (APR-42).
 * @throws AAuthError `replay_detected`; `temporarily_unavailable`, not processed, when the replay set is unreachable
 * @see protocol §9.4
 */
export async function refuseUsedApproval(check: ReplayCheck): Promise<void> {
  checkOptions('refuseUsedApproval', check, checks, ['replay', 'verified'])
  const use = approvalOf(check)
  if (use !== undefined && (await askReplaySet(async () => check.replay.usedToken?.(use))))
    throw refusal('approval_used')
}

/** The use of an auth token. */
function approvalOf({ verified: { caller }, ...check }: ReplayCheck): TokenUse | undefined {
  if (caller.level !== 'authorized') return undefined
  const { issuer, token } = caller
  return { issuer, jti: token.jti, iat: token.iat, partition: caller.level, ...shareOf(caller, check) }
}

function noRoom(): AAuthError {
  return refusal('capacity_exceeded', {
    about: 'requests of this caller or its site that are remembered',
    retryAfter: 5,
    notProcessed: true,
  })
}

/** The entry of a request in a replay set; undefined for an unsigned request, which cannot be a replay. */
// unchecked options check: it is a party, a message or a logger, of which few members are read
export function replayEntryOf(check: Omit<ReplayCheck, 'replay'>): ReplayEntry | undefined {
  const { caller, opened } = check.verified
  if (opened === undefined || caller.level === 'anonymous') return undefined
  return {
    authority: opened.authority,
    thumbprint: caller.key.thumbprint,
    base: opened.base,
    created: opened.created,
    partition: check.partition ?? caller.level,
    ...shareOf(caller, check),
  }
}

async function askReplaySet<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw unreachable(cause)
  }
}

/** Without the replay set a replay cannot be recognised: the request is refused as not processed. */
function unreachable(cause: unknown): AAuthError {
  if (cause instanceof AAuthError) return cause
  return refusal('store_unavailable', { about: 'the replay set', retryAfter: 5, notProcessed: true, cause })
}

type Holder = Exclude<Caller, { level: 'anonymous' }>

/** The network of callers whose address is unknown; no address reads like it. */
const unknown = 'unknown'

/** The share that an entry takes. A fresh key or a subdomain costs nothing, so pseudonyms share by network and names by site. */
function shareOf(
  caller: Holder,
  check: Omit<ReplayCheck, 'replay' | 'verified'>,
): Pick<ReplayEntry, 'principal' | 'site'> {
  if (caller.level === 'pseudonymous') {
    const { peer = caller.peer } = check
    // All callers without a known address share as one network: shares by key would let fresh keys fill the partition.
    if (peer === undefined) return { principal: unknown, ...(check.development !== true && { site: unknown }) }
    return { principal: networkOf(peer), ...(check.development !== true && { site: wideNetworkOf(peer) }) }
  }
  const principal =
    caller.level === 'identified' ? caller.agent : JSON.stringify([caller.issuer, caller.token.sub ?? '', caller.agent])
  return { principal, ...(check.development !== true && { site: shareSite(caller.agent, check.siteOf) }) }
}
