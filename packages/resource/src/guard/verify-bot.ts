import { type BotDirectory, createBotDirectory, type SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import { headerValues, type ReceivedMessage, type ReplayEntry, verifyMessage } from '@countersign/httpsig'
import { contentDigestCheck, hasBody } from '@countersign/httpsig/internal'
import { isListed } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import { isPrivatePeer, wideNetworkOf } from '@countersign/verify/internal'
import type { AAuth } from './aauth.js'
import { type BotRules, type BotSignature, type BotTimes, checkBotTimes, readBotSignature } from './bot-signature.js'
import type { WebBot } from './web-bot.js'

/** What a resource verifies bots with. */
export interface Bots extends BotRules {
  /** The site of a host name: bots of one site share the room of the replay set. */
  readonly siteOf?: SiteOf | undefined
  /** The directory that routes share. @throws TypeError on a platform without a guarded fetcher */
  directory(): BotDirectory
}

/** A bot whose signature was verified. */
export interface VerifiedBot {
  readonly aauth: AAuth
  /** The entry of the request in the replay set; undefined where it may come again. */
  readonly once: ReplayEntry | undefined
  readonly times: BotTimes
}

/** How a route judges a bot. */
export interface BotContext {
  readonly rules: Bots
  /** What the route demands beyond the usual components. */
  readonly components: readonly string[]
  /** The address of the caller, as far as trusted proxies say. */
  readonly peer: string | undefined
}

/** The verifier of bots of one resource; its directory is made when the first route needs it. */
export function botsOf(rules: Omit<Bots, 'directory'>, options: Parameters<typeof createBotDirectory>[0]): Bots {
  let shared: BotDirectory | undefined
  return {
    ...rules,
    directory() {
      shared ??= createBotDirectory(options)
      return shared
    },
  }
}

/**
 * Verifies a request by the signature of a bot: first what costs nothing, then whether the bot is listed, and only then its key.
 * @throws AAuthError, HttpSigError
 * @see protocol §3.8
 */
export async function verifyBot(
  message: ReceivedMessage,
  { bots, directory }: WebBot,
  { components, rules, peer }: BotContext,
): Promise<VerifiedBot> {
  const signature = readBotSignature(message, components, rules)
  const { bot, keyid, label, required, message: signed } = signature
  // bot.listed
  if (!(await isListed(bots, bot))) throw refusal('bot_not_listed')
  const key = await (directory ?? rules.directory()).key(bot, keyid, callerAt(peer))
  // bot.directory
  if (key === undefined) throw refusal('bot_key_unknown')
  const { tolerance, now } = rules
  const [{ bodyVerified }] = await verifyMessage({
    message: signed,
    label,
    key: () => key,
    requiredComponents: required,
    tolerance,
    now,
    maxAge: 0,
  })
  // An unread body is compared once it is read.
  if (hasBody(message) && message.unread === undefined && !bodyVerified) throw refusal('body_unseen')
  return {
    // Anonymous: no policy for agents, delegates or keys may take a bot for one of them.
    aauth: { level: 'anonymous', credential: 'web-bot', bot, scope: [], chain: [] },
    once: signature.nonce === undefined ? undefined : entryOf(signature, signature.nonce, rules),
    times: signature,
  }
}

/**
 * Verifies a body that was unread when its head was: it is the one whose digest the signature covers, and the request counts as received
 * at its last byte.
 * @throws AAuthError, HttpSigError
 */
export function verifyBotBody({ times }: VerifiedBot, message: ReceivedMessage, rules: BotRules): void {
  checkBotTimes(times, rules) // bot.time
  if (message.body === undefined) return
  const check = contentDigestCheck(headerValues(message, 'content-digest').join(', '))
  check.update(message.body)
  check.end() // bot.unsafe
}

/** The network of a caller, whose share its fetches take; undefined for a private address, which may be a proxy's. */
function callerAt(peer: string | undefined): { readonly network: string | undefined } {
  return { network: peer === undefined || isPrivatePeer(peer) ? undefined : wideNetworkOf(peer) }
}

/**
 * By the nonce of a key, and not by what was signed: a second signature with the same nonce, of another path or second, is no other
 * request of the bot. A bot takes the share of its site, as an agent of that name does.
 */
function entryOf({ bot, keyid, created }: BotSignature, nonce: string, { siteOf, development }: Bots): ReplayEntry {
  return {
    authority: bot,
    thumbprint: keyid,
    base: JSON.stringify(['nonce', nonce]),
    created,
    partition: 'identified',
    principal: JSON.stringify(['bot', bot]),
    ...(!development && { site: shareSite(bot, siteOf) }),
  }
}
