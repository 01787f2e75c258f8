import { type SiteOf, shareSite } from '@countersign/discovery'
import type { ReplayEntry, ReplaySet } from '@countersign/httpsig'
import { AAuthError, checkOptions, type OptionChecks } from '@countersign/protocol'
import type { Caller, Verified } from './caller.js'
import { networkOf, wideNetworkOf } from './network.js'

/** What {@link checkReplay} looks at. */
export interface ReplayCheck {
  readonly replay: ReplaySet
  readonly verified: Verified
  /** `token` for token endpoints; otherwise the caller's level. */
  readonly partition?: 'token'
  /** Where the caller is, as far as trusted proxies say. Default: at the other end of the connection. */
  readonly peer?: string | undefined
  /** Which site a name belongs to. Default: its registrable domain, see `shareSite`. */
  readonly siteOf?: SiteOf | undefined
  /** Names on this machine share nothing: in development all of them are one site. Default false. */
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
 * Lets a verified request pass once.
 * Call it last, after level, scope and limit: a request that was refused for those may come again.
 * @throws AAuthError `replay_detected`; or `temporarily_unavailable`, not processed, when the set is full, too young to know,
 * or away
 * @see protocol §3.7
 */
export async function checkReplay(check: ReplayCheck): Promise<void> {
  checkOptions('checkReplay', check, checks, ['replay', 'verified'])
  const entry = entryOf(check)
  if (entry === undefined) return
  switch (await answerOf(() => check.replay.check(entry))) {
    case 'fresh':
      return
    case 'replayed':
      throw replayDetected()
    case 'full':
      throw notProcessed('too many requests are remembered for this caller or its site', 5)
    case 'early':
      throw notProcessed('just started: requests signed before cannot be told from replays; sign anew', 1)
  }
}

/**
 * Refuses a request that was received before, without remembering one that was not.
 * Call it before the request is counted against a limit of its caller: counted first and given back later, replays of a captured
 * request fill the limit while they are under way, and its agent's own requests are refused. {@link checkReplay} still comes last.
 * @throws AAuthError `replay_detected`; or `temporarily_unavailable`, not processed, when the set is away
 * @see protocol §3.7
 */
export async function refuseSeen(check: ReplayCheck): Promise<void> {
  checkOptions('refuseSeen', check, checks, ['replay', 'verified'])
  const { replay } = check
  const entry = replay.seen === undefined ? undefined : entryOf(check)
  if (entry !== undefined && (await answerOf(async () => replay.seen?.(entry)))) throw replayDetected()
}

/** What the set is asked about; undefined for an unsigned request, which is no replay of any. */
function entryOf(check: ReplayCheck): ReplayEntry | undefined {
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

function replayDetected(): AAuthError {
  return new AAuthError('replay_detected', 'this request was received before; its outcome stands')
}

/** Without the set a first request looks like a replay: the request is refused, and nothing was done for it. */
async function answerOf<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof AAuthError) throw cause
    throw notProcessed('what remembers requests is away', 5, cause)
  }
}

function notProcessed(description: string, retryAfter: number, cause?: unknown): AAuthError {
  const why = cause === undefined ? {} : { cause }
  return new AAuthError('temporarily_unavailable', description, { retryAfter, notProcessed: true, ...why })
}

type Holder = Exclude<Caller, { level: 'anonymous' }>

/** The network of callers whose address is unknown; no address reads like it. */
const unknown = 'unknown'

/** Whose share an entry takes. A fresh key or a subdomain costs nothing, so pseudonyms share by network and names by site. */
function shareOf(caller: Holder, check: ReplayCheck): Pick<ReplayEntry, 'principal' | 'site'> {
  if (caller.level === 'pseudonymous') {
    const { peer = caller.peer } = check
    // Callers whose address is unknown are one network: by key, fresh keys would fill the partition.
    if (peer === undefined) return { principal: unknown, ...(check.development !== true && { site: unknown }) }
    return { principal: networkOf(peer), ...(check.development !== true && { site: wideNetworkOf(peer) }) }
  }
  const principal =
    caller.level === 'identified' ? caller.agent : JSON.stringify([caller.issuer, caller.token.sub ?? '', caller.agent])
  return { principal, ...(check.development !== true && { site: shareSite(caller.agent, check.siteOf) }) }
}
