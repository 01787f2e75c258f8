import { signalledInTime } from '@countersign/httpsig/internal'
import { type AgentAuth, parseAgentAuth } from '@countersign/protocol'
import { errorName, nameIn, parseJson, reasonName } from '@countersign/protocol/internal'
import { isJson, readBounded } from './body.js'
import { clockSkew } from './retry-after.js'

/** What a response says about the level, the signature and the pace of requests; nothing of its content. */
export interface ResponseFacts {
  readonly status: number
  /** The challenge; `malformed` when it cannot be parsed. */
  readonly agentAuth?: AgentAuth | 'malformed' | undefined
  /** The error code of protocol §8 in the body. */
  readonly error?: string | undefined
  /** The reason in the body: a name of docs/reasons.md, or of a later edition of it. */
  readonly reason?: string | undefined
  /** Components that a signature must cover, from an `invalid_signature`. */
  readonly requiredComponents: readonly string[]
  readonly retryAfter: string | null
  /** The header of a challenge that the agent does not support: of a later edition of AAuth, or of another scheme. */
  readonly asksBy?: string | undefined
  /** Seconds by which this clock is ahead of the server's, if they differ by more than 30. */
  readonly skew?: number | undefined
}

/** In bytes. A longer body is not an error of the protocol. */
const maxErrorBody = 16_384

/** The statuses of responses that may ask for another level, signature or pace. Of all others nothing is read: they end a call. */
const refusals: ReadonlySet<number> = new Set([400, 401, 403, 429, 503])

/**
 * Reads the facts of a response; its body stays unread for the caller.
 * `now` in Unix seconds; `patience` in milliseconds, after which an error body counts as missing.
 */
export async function readResponseFacts(response: Response, now: number, patience = 2_000): Promise<ResponseFacts> {
  const { status, headers } = response
  if (!refusals.has(status)) return { status, requiredComponents: [], retryAfter: null }
  const body = await readErrorBody(response, patience)
  return {
    status,
    agentAuth: readChallenge(headers.get('agent-auth')),
    error: nameIn(body['error'], errorName),
    reason: nameIn(body['reason'], reasonName),
    requiredComponents: requiredComponents(body['required_components']),
    retryAfter: headers.get('retry-after'),
    asksBy: ['AAuth-Requirement', 'WWW-Authenticate'].find(name => headers.has(name)),
    skew: clockSkew(headers.get('date'), now),
  }
}

/**
 * Reads a challenge. Two header lines arrive as one with a comma and count as malformed: the agent must not pick one of two
 * challenges.
 */
export function readChallenge(value: string | null): AgentAuth | 'malformed' | undefined {
  if (value === null) return undefined
  try {
    return parseAgentAuth(value)
  } catch {
    return 'malformed'
  }
}

/**
 * Whether a challenge is `Agent-Auth: httpsig` alone, without a level. With a 503 it says that the request was not processed.
 * @see protocol §3.7 (`sig.replay.not-processed`)
 */
export function asksNoLevel(challenge: AgentAuth | 'malformed' | undefined): boolean {
  return typeof challenge === 'object' && Object.keys(challenge).length === 0
}

async function readErrorBody(response: Response, patience: number): Promise<Readonly<Record<string, unknown>>> {
  if (!isJson(response.headers.get('content-type')) || response.bodyUsed) return {}
  try {
    const bytes = await readInTime(response.clone(), patience)
    const value = bytes === undefined ? undefined : parseJson(bytes)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Reads an error body, but not for longer than `patience`: a body that drips must not hold up the caller (slow body). */
function readInTime(copy: Response, patience: number): Promise<Uint8Array | undefined> {
  const wait = { seconds: patience / 1000, late: () => new Error('the body did not end in time') }
  return signalledInTime(wait, signal => readBounded(copy, maxErrorBody, { signal, rest: 'cancel' }))
}

/** Returns the demanded components: bare names only, and no more than a signature may cover. */
function requiredComponents(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > 32) return []
  return value.filter((name): name is string => typeof name === 'string' && /^@?[a-z0-9-]{1,64}$/.test(name))
}
