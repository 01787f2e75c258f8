import { HttpSigError, type ReceivedMessage } from '@countersign/httpsig'
import { checkCovers, checkFirstByte } from '@countersign/httpsig/internal'
import type { PerRequest, Verified, Verifier } from '@countersign/verify'
import { aauthOf } from './aauth.js'
import { type Bearer, bearerTokenOf, hasBearer, verifyBearer } from './bearer.js'
import { hasBotSignature } from './bot-signature.js'
import type { Failures } from './failures.js'
import type { GuardedRequest, ReceivedRequest } from './guarded-request.js'
import { verifyBot, verifyBotBody } from './verify-bot.js'

/**
 * Verifies the head of a request: its signature, or where it has none what the route accepts beside one. The body is unread.
 * @throws AAuthError or HttpSigError
 * @see protocol §3.3
 */
export async function verifyRequestHead(received: ReceivedRequest): Promise<GuardedRequest> {
  const { message, route, guard } = received
  const peer = guard.clientOf(message)
  const verified = await verifyOnce(received, peer)
  // Unsigned requests only: stripping a signature must not switch a request to another authentication, nor a failed one.
  const beside = verified.caller.level === 'anonymous' ? route.beside : {}
  const bearer = beside.bearer !== undefined && hasBearer(message) ? beside.bearer : undefined
  const { webBot } = beside
  const bot =
    webBot !== undefined && hasBotSignature(message)
      ? await counted(guard.failures, { message, peer }, () =>
          verifyBot(message, webBot, { components: route.components, rules: guard.bots, peer }),
        )
      : undefined
  const aauth = bot?.aauth ?? aauthOf(verified.caller)
  return { ...received, peer, verified, aauth, bearer, bot }
}

/** One request that meets several guards is verified once, and counts as one failure. */
async function verifyOnce(
  { message, route, guard, ledger }: ReceivedRequest,
  peer: string | undefined,
): Promise<Verified> {
  const { components } = route
  if (ledger.head === undefined) {
    ledger.head = verifyHead(message, guard, { requiredComponents: components, peer })
    // Another guard may demand less.
    ledger.head.catch((error: unknown) => {
      if (error instanceof HttpSigError && error.reason === 'component_not_covered') ledger.head = undefined
    })
    return ledger.head
  }
  const verified = await ledger.head
  if (verified.opened !== undefined) checkCovers(verified.opened, components) // sig.covered.always
  return verified
}

/** Verifies the bearer token of a request, with the scope that the route asks for. @throws AAuthError */
export async function verifyRequestBearer(request: GuardedRequest, bearer: Bearer): Promise<GuardedRequest> {
  const { message, route, peer } = request
  const { method, target } = message
  const asked = { method, target, ...(peer === undefined ? {} : { peer }) }
  return { ...request, aauth: await verifyBearer(bearerTokenOf(message), asked, { bearer, need: route.scope }) }
}

/**
 * Reads the body of a request whose head was let pass, and compares it with the digest that was signed. The body of a route that streams
 * stays unread: its handler reads it through a check.
 * @throws AAuthError or HttpSigError
 * @see protocol §3.3, §3.4
 */
export async function verifyRequestBody(request: GuardedRequest): Promise<GuardedRequest> {
  const { message: received, route, verified, ledger, guard, peer, bot } = request
  // A guard before this one may have read it, and a parser since then.
  if (route.body === 'stream' && received.unread !== undefined && ledger.whole === undefined) {
    const { opened } = verified
    if (opened !== undefined) await noting(request, () => checkFirstByte(opened))
    return request
  }
  ledger.whole ??= verifyBody(verified, guard, { peer })
  const { message, opened } = await ledger.whole
  // Not once for all guards: one before this one may have read it for a caller that it did not take for a bot (bot.unsafe).
  if (bot !== undefined && received.unread !== undefined)
    await noting(request, async () => verifyBotBody(bot, message, guard.bots))
  if (message === received) return request
  guard.ledgers.share(message, ledger)
  return { ...request, message, verified: opened === undefined ? verified : { ...verified, message, opened } }
}

/** What verifying one request of a network needs. */
interface Verifying {
  readonly verifier: Verifier
  readonly failures: Failures
}

/** Verifies the head of a request, which counts as a failure of its network until it has verified. @throws AAuthError or HttpSigError */
export function verifyHead(
  message: ReceivedMessage,
  { verifier, failures }: Verifying,
  per: PerRequest,
): Promise<Verified> {
  return counted(failures, { message, peer: per.peer }, () => verifier.verifyHead(message, per))
}

/** Reads and verifies the body of a request. A body that never comes is no failure; one that was not signed is. */
export async function verifyBody(
  head: Verified,
  { verifier, failures }: Verifying,
  per: PerRequest,
): Promise<Verified> {
  const verify = (): Promise<Verified> => verifier.verifyBody(head, per)
  return head.opened === undefined ? verify() : noting({ guard: { failures }, peer: per.peer }, verify)
}

/** Counts a body that differs from the signed one as a failure of its network: its head has verified, and may be a captured one. */
async function noting<T>(
  { guard: { failures }, peer }: { readonly guard: Pick<Verifying, 'failures'>; readonly peer: string | undefined },
  verify: () => Promise<T>,
): Promise<T> {
  try {
    return await verify()
  } catch (error) {
    if (!isUnread(error)) failures.note(peer)
    throw error
  }
}

function isUnread(error: unknown): boolean {
  return error instanceof HttpSigError && error.code === 'invalid_request'
}

/** Counted before the wait, so that a burst costs no more verifications than the limit allows. */
async function counted<T>(
  failures: Failures,
  { message, peer }: { readonly message: ReceivedMessage; readonly peer: string | undefined },
  verify: () => Promise<T>,
): Promise<T> {
  const takeBack = failures.enter(message, peer)
  const verified = await verify()
  takeBack()
  return verified
}
