import type { HeadJudgement, ReceivedMessage } from '@countersign/httpsig'
import { isSigned, pathOf, refusedHead } from '@countersign/httpsig/internal'
import type { ClientOf, Credential, PerRequest, Verified, Verifier } from '@countersign/verify'
import { aauthOf } from './aauth.js'
import { hasBearer } from './bearer.js'
import { type BotRules, hasBotSignature, readBotSignature } from './bot-signature.js'
import { firstRefusal } from './check.js'
import { areFactsFixed, headChecks } from './fact-checks.js'
import { type Failures, noFailures } from './failures.js'
import type { FactRules } from './guarded-request.js'
import type { HeadCount, HeadCounts } from './head-counts.js'
import { revocationPath, tokenPath } from './metadata.js'
import type { Mode } from './mode.js'
import type { Route } from './requirement.js'

/** What the endpoints of a resource take: the resource token endpoint and the revocation endpoint. */
export const ownCredentials: readonly Credential[] = ['jwks_uri', 'agent+jwt']

interface HeadContext extends FactRules {
  readonly verifier: Verifier
  readonly bots: BotRules
  readonly mode: Mode
  readonly failures: Failures
  readonly heads: HeadCounts
  readonly clientOf: ClientOf
  readonly refusal: { readonly authServers: readonly string[] }
}

/**
 * Judges the head of a request for a route. Without waiting for the body it refuses an unsigned request where a signature is
 * needed, a signature that does not verify, and a caller whom the level or lists of the route refuse.
 */
export function judgeRouteHead(head: ReceivedMessage, route: Route, context: HeadContext): HeadJudgement {
  // A request that is only observed is passed on with its body.
  if (context.mode === 'observe') return 'whole'
  if (isSigned(head))
    return judgeSigned(head, context, {
      per: { requiredComponents: route.components },
      // A function may query a database: it is called once, when the whole request is judged.
      refuses: async verified => {
        if (!areFactsFixed(route)) return false
        const facts = { message: head, route, guard: context, verified, aauth: aauthOf(verified.caller) }
        return (await firstRefusal(facts, headChecks)) !== undefined
      },
    })
  const judged = context.verifier.judgeHead(head)
  if (judged !== 'whole') return judged
  const bot = route.beside.webBot === undefined ? undefined : judgeBotHead(head, route, context)
  if (bot !== undefined) return bot
  const isOpen = route.level === 'anonymous' || (route.beside.bearer !== undefined && hasBearer(head))
  return isOpen ? 'whole' : refusedHead(head)
}

/**
 * Refuses the signature of a bot without waiting for the body, where its form is wrong.
 * @returns undefined for a request without one
 */
function judgeBotHead(head: ReceivedMessage, route: Route, { bots }: HeadContext): HeadJudgement | undefined {
  try {
    if (!hasBotSignature(head)) return undefined
    readBotSignature(head, route.components, bots)
    return 'whole'
  } catch (fault) {
    return refusedHead(head, fault)
  }
}

/** The same for what the resource answers itself. */
export function judgeOwnHead(head: ReceivedMessage, context: HeadContext): HeadJudgement {
  const path = pathOf(head.target)
  if ((path !== tokenPath && path !== revocationPath) || head.method !== 'POST') return 'whole'
  if (!isSigned(head)) return refusedHead(head)
  const agents = path === revocationPath ? { agents: context.refusal.authServers } : {}
  return judgeSigned(head, context, { per: { accept: ownCredentials, ...agents }, refuses: async () => false })
}

interface Judging {
  readonly per: PerRequest
  /** Whether a caller that verified is refused whatever its body is. */
  refuses(verified: Verified): Promise<boolean>
}

function judgeSigned(
  head: ReceivedMessage,
  { verifier, failures, heads, clientOf }: HeadContext,
  { per, refuses }: Judging,
): HeadJudgement {
  const peer = clientOf(head)
  const entered = enter(head, peer, failures)
  if ('fault' in entered)
    return withCount(
      refusedHead(head, entered.fault),
      countOf(() => undefined),
      heads,
    )
  const { count } = entered
  const judged = verifier.judgeHead(head, { ...per, peer })
  if (typeof judged === 'string') {
    count.takeBack()
    return judged
  }
  if (!('verified' in judged)) return withCount(judged, count, heads)
  const { proof, verified } = judged
  if (failures !== noFailures) heads.set(proof, count)
  const refused = async (): Promise<ReceivedMessage | undefined> => {
    const found = await verified
    if (found === undefined) return judged.refused
    if (count.by === 'head') count.takeBack()
    // What it cannot say the whole request will.
    const isRefused = await refuses(found).catch(() => false)
    return isRefused ? { ...refusedHead(head), headProof: proof } : undefined
  }
  return { proof, refused: refused() }
}

function enter(
  head: ReceivedMessage,
  peer: string | undefined,
  failures: Failures,
): { readonly count: HeadCount } | { readonly fault: unknown } {
  try {
    return { count: countOf(failures.enter(head, peer)) }
  } catch (fault) {
    return { fault }
  }
}

function countOf(takeBack: () => void): HeadCount {
  const count: HeadCount = {
    by: 'head',
    isTakenBack: false,
    takeBack() {
      if (!count.isTakenBack) takeBack()
      count.isTakenBack = true
    },
  }
  return count
}

/** The message, known not to be counted another time. */
function withCount(message: ReceivedMessage, count: HeadCount, heads: HeadCounts): ReceivedMessage {
  const headProof = {}
  heads.set(headProof, count)
  return { ...message, headProof }
}

/**
 * Counts a request as a failure of its network until it verifies, once: its head may count already.
 * @returns takes the count back
 * @throws AAuthError `rate_limited`
 */
export function enterFailures(
  message: ReceivedMessage,
  peer: string | undefined,
  { failures, heads }: Pick<HeadContext, 'failures' | 'heads'>,
): () => void {
  const { headProof } = message
  const count = headProof === undefined ? undefined : heads.get(headProof)
  if (count === undefined || count.isTakenBack) return failures.enter(message, peer)
  count.by = 'request'
  return () => count.takeBack()
}

/** A guard must not let pass what it has not read. @throws TypeError */
export function checkRead({ dangerouslyUnseenBody, headFault }: ReceivedMessage): void {
  if (dangerouslyUnseenBody || headFault !== undefined)
    throw new TypeError('a request was let pass whose body was not read')
}
