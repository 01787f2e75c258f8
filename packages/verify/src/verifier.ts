import { shareSite } from '@countersign/discovery'
import {
  checkTarget,
  chooseAuthority,
  isSigned,
  type OpenOptions,
  openHead,
  openSignature,
  type ReceivedMessage,
  refusedHead,
  reopenSignature,
  verifyBody,
  verifyKeyCache,
  verifySignature,
} from '@countersign/httpsig'
import {
  authorityOf,
  checkIdentifier,
  checkOptions,
  each,
  identifiersCheck,
  type OptionCheck,
  type OptionChecks,
  restriction,
  schemeOf,
} from '@countersign/protocol'
import type { Asked } from './asked.js'
import type { Verified } from './caller.js'
import { type CallerContext, callerOf, isTimely } from './caller-of.js'
import { isPrivatePeer, peerOf, wideNetworkOf } from './network.js'
import type { PerRequest, VerifierOptions } from './options.js'
import { type Head, isJudgedAs, proving, type VerifiedHead, verifiedHeads } from './verified-head.js'
import { verifiedTokens } from './verified-tokens.js'

const credential: OptionCheck = ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt']

const checks: OptionChecks<VerifierOptions> = {
  receiver: 'string',
  authorities: 'strings',
  discovery: 'object',
  accept: restriction(each(credential)),
  authServers: restriction(identifiersCheck),
  agents: restriction(identifiersCheck),
  tolerance: 'number',
  now: 'function',
  development: 'boolean',
  tokenCache: 'number',
  onToken: 'function',
}

const perChecks: OptionChecks<PerRequest> = {
  accept: restriction(each(credential)),
  requiredComponents: restriction('strings'),
  expiredAgentTokenGrace: 'number',
  peer: 'string',
}

const noComponents: readonly string[] = []

/** Turns received messages into verified facts. */
export interface Verifier {
  /**
   * Unsigned requests yield an anonymous caller; anything signed is verified in full or refused.
   * @throws AAuthError or HttpSigError with the code of protocol §8
   */
  verify(message: ReceivedMessage, per?: PerRequest): Promise<Verified>
  /**
   * Judges a head before its body is read. What can be said without a key is said at once; else the whole request but for its body
   * is verified while the body comes. `verify` refuses, for the same reason, the message that this says is refused, and finds out
   * nothing of it a second time.
   * @returns of an unsigned request that is in order `whole`
   */
  judgeHead(head: ReceivedMessage, per?: PerRequest): 'whole' | 'byte' | ReceivedMessage | VerifiedHead
}

/**
 * Makes the verifier of one resource, auth server or agent server.
 * @throws RangeError when `tolerance` is outside 1 to 300
 * @throws TypeError when `receiver` is not an identifier
 * @see protocol §3, §5 "Verification order"
 */
export function createVerifier(options: VerifierOptions): Verifier {
  checkOptions('createVerifier', options, checks, ['receiver', 'discovery', 'accept'])
  const { receiver, development = false, tolerance = 60, now = () => Date.now() / 1000 } = options
  checkIdentifier('receiver', receiver, { development })
  if (!(tolerance >= 1 && tolerance <= 300)) throw new RangeError('tolerance must be between 1 and 300 seconds')
  const authorities = options.authorities ?? [authorityOf(receiver)]
  const scheme = schemeOf(receiver)
  const tokens = verifiedTokens(options.tokenCache ?? 10_000, agent => (development ? undefined : shareSite(agent)))
  const inlineKeys = verifyKeyCache()
  // Apart from the inline ones: keys that cost nothing to make displace none that an issuer has named.
  const confirmationKeys = verifyKeyCache()
  const heads = verifiedHeads()
  const checkUnsigned = (message: ReceivedMessage): void => {
    checkTarget(message)
    chooseAuthority(message, authorities, scheme)
  }
  // Those of a route serve all its requests: frozen ones are checked once.
  const openings = new WeakMap<readonly string[], OpenOptions>()
  const opening = ({ requiredComponents = noComponents }: PerRequest): OpenOptions => {
    const known = openings.get(requiredComponents)
    if (known !== undefined) return known
    const made = Object.freeze({ authorities, scheme, now, tolerance, requiredComponents })
    openings.set(requiredComponents, made)
    return made
  }
  const begin = (message: ReceivedMessage, per: PerRequest): Asked => ({
    answers: {},
    discovery: options.discovery.limited(undefined, new RequestNetwork(per.peer ?? message.peer)),
  })
  const contextOf = (per: PerRequest, asked: Asked, head?: Head): CallerContext => ({
    options,
    tokens,
    inlineKeys,
    confirmationKeys,
    asked,
    now: now(),
    discovery: asked.discovery,
    accept: per.accept ?? options.accept,
    expiredGrace: per.expiredAgentTokenGrace ?? 0,
    // Each request is told once.
    onToken: head === undefined ? options.onToken : undefined,
    prove: head === undefined ? verifySignature : proving(head),
  })
  /** What is left to verify of a request whose head is verified; undefined where nothing of it can be spared. */
  const verifyRest = async (message: ReceivedMessage, per: PerRequest, head: Head): Promise<Verified | undefined> => {
    const found = await head.done
    // Another message than its head promised, or judged by something else: what was proven of it may still be spared.
    const opened = isJudgedAs(per, head.per) ? reopenSignature(head.opened, message, opening(per)) : undefined
    if (opened === undefined) return undefined
    if ('fault' in found) throw found.fault
    // Its token has ended meanwhile: that is told as it always is.
    if (!isTimely(head.asked.token?.verified, { now: now(), grace: per.expiredAgentTokenGrace ?? 0 })) return undefined
    await verifyBody(opened)
    const { caller, discovery } = found.verified
    const isThere = message.peer === head.opened.message.peer
    return { caller: isThere ? caller : { ...caller, ...peerOf(message) }, opened, discovery }
  }
  return {
    async verify(message, per = {}) {
      checkOptions('verify', per, perChecks)
      if (message.headFault !== undefined) throw message.headFault
      const head = heads.find(message)
      const verified = head === undefined ? undefined : await verifyRest(message, per, head)
      if (verified !== undefined) return verified
      const asked = head?.asked ?? begin(message, per)
      const { discovery } = asked
      if (!isSigned(message)) {
        checkUnsigned(message)
        return { caller: { level: 'anonymous', ...peerOf(message) }, discovery }
      }
      const opened = openSignature(message, opening(per))
      const caller = await callerOf(opened, contextOf(per, asked, head))
      return { caller, opened, discovery }
    },
    judgeHead(head, per = {}) {
      checkOptions('judgeHead', per, perChecks)
      try {
        if (!isSigned(head)) {
          checkUnsigned(head)
          return 'whole'
        }
      } catch (fault) {
        return refusedHead(head, fault)
      }
      const opened = openHead(head, opening(per))
      if (opened === 'byte' || !('base' in opened)) return opened
      const asked = begin(head, per)
      return heads.begin(head, { opened, per, asked }, () => callerOf(opened, contextOf(per, asked)))
    },
  }
}

/** Whose share of the fetches a request takes; found out only when one begins. */
class RequestNetwork {
  readonly #peer: string | undefined

  constructor(peer: string | undefined) {
    this.#peer = peer
  }

  /** A private address may be a proxy's, with everyone behind it: it has none. */
  get network(): string | undefined {
    const peer = this.#peer
    return peer === undefined || isPrivatePeer(peer) ? undefined : wideNetworkOf(peer)
  }
}
