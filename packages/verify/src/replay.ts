import type { ReplayEntry, ReplaySet, ReplayVerdict } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import type { Caller, Verified } from './caller.js'
import { networkOf } from './network.js'

/**
 * Lets a verified request pass once.
 * Call it last, after level, scope and limit: a request that was refused for those may come again.
 * @throws AAuthError `replay_detected`; or `temporarily_unavailable`, not processed, when the set is full, too young to know,
 * or away
 * @see protocol §3.7
 */
export async function checkReplay(options: {
  readonly replay: ReplaySet
  readonly verified: Verified
  /** `token` for token endpoints; otherwise the caller's level. */
  readonly partition?: 'token'
  /** Where the caller is, as far as trusted proxies say. Default: at the other end of the connection. */
  readonly peer?: string
}): Promise<void> {
  const { replay, verified, partition } = options
  const { caller, opened } = verified
  const { peer = caller.peer } = options
  if (opened === undefined || caller.level === 'anonymous') return
  const verdict = await verdictOf(replay, {
    authority: opened.authority,
    thumbprint: caller.key.thumbprint,
    base: opened.base,
    created: opened.created,
    partition: partition ?? caller.level,
    principal: principalOf(caller, peer),
  })
  switch (verdict) {
    case 'fresh':
      return
    case 'replayed':
      throw new AAuthError('replay_detected', 'this request was received before; its outcome stands')
    case 'full':
      throw notProcessed('too many requests are remembered for this caller', 5)
    case 'early':
      throw notProcessed('just started: requests signed before cannot be told from replays; sign anew', 1)
  }
}

/** Without the set a first request looks like a replay: the request is refused, and nothing was done for it. */
async function verdictOf(replay: ReplaySet, entry: ReplayEntry): Promise<ReplayVerdict> {
  try {
    return await replay.check(entry)
  } catch (cause) {
    if (cause instanceof AAuthError) throw cause
    throw notProcessed('what remembers requests is away', 5, cause)
  }
}

function notProcessed(description: string, retryAfter: number, cause?: unknown): AAuthError {
  const why = cause === undefined ? {} : { cause }
  return new AAuthError('temporarily_unavailable', description, { retryAfter, notProcessed: true, ...why })
}

/** Whose share an entry counts against. A fresh key costs nothing, so a pseudonym shares by network; an agent by its origin. */
function principalOf(caller: Exclude<Caller, { level: 'anonymous' }>, peer: string | undefined): string {
  switch (caller.level) {
    case 'pseudonymous':
      return peer === undefined ? caller.key.thumbprint : networkOf(peer)
    case 'identified':
      return caller.agent
    case 'authorized':
      return JSON.stringify([caller.issuer, caller.token.sub ?? '', caller.agent])
  }
}
