import { shareSite } from '@countersign/discovery/internal'
import {
  type OpenOptions,
  openSignature,
  type ReceivedMessage,
  verifyKeyCache,
  verifySignature,
} from '@countersign/httpsig'
import {
  checkTarget,
  chooseAuthority,
  isSigned,
  openHead,
  refusedHead,
  reopenSignature,
  verifyBody,
} from '@countersign/httpsig/internal'
import { authorityOf } from '@countersign/protocol'
import {
  checkIdentifier,
  checkOptions,
  each,
  identifiersCheck,
  type OptionCheck,
  type OptionChecks,
  restriction,
  schemeOf,
} from '@countersign/protocol/internal'
import type { Verified } from './caller.js'
import { type CallerContext, identifyCaller, isTimely } from './identify-caller.js'
import { isPrivatePeer, peerOf, wideNetworkOf } from './network.js'
import type { PerRequest, VerifierOptions } from './options.js'
import type { RequestLookups } from './request-lookups.js'
import {
  type BegunHead,
  createVerifiedHeads,
  isJudgedAlike,
  isSameList,
  proveUnproven,
  type VerifiedHead,
} from './verified-head.js'
import { createVerifiedTokens } from './verified-tokens.js'

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
  agents: restriction('strings'),
  requiredComponents: restriction('strings'),
  expiredAgentTokenGrace: 'number',
  peer: 'string',
}

const noComponents: readonly string[] = []

/** Verifies received messages and identifies their callers. */
export interface Verifier {
  /**
   * Returns an anonymous caller for an unsigned request; verifies a signed request in full or refuses it.
   * @throws AAuthError or HttpSigError with the code of protocol §8
   */
  verify(message: ReceivedMessage, per?: PerRequest): Promise<Verified>
  /**
   * Judges the head of a request before its body is read. Faults that show without a key are returned at once; otherwise everything
   * but the body is verified while the body arrives. `verify` then refuses a message whose head was refused, for the same reason,
   * and repeats no verification or lookup of the head.
   * @returns `whole` for a valid unsigned request
   */
  judgeHead(head: ReceivedMessage, per?: PerRequest): 'whole' | 'byte' | ReceivedMessage | VerifiedHead
}

/**
 * Makes the verifier of one resource, auth server or agent server.
 * @throws RangeError when `tolerance` is outside 1 to 300
 * @throws TypeError when `receiver` is not an identifier
 * @see protocol §3, §5 "Verification order"
 * @example
 * ```ts
 * import { createDiscovery } from '@countersign/discovery'
 * import { fromRequest } from '@countersign/httpsig'
 * import { createVerifier } from '@countersign/verify'
 *
 * const verifier = createVerifier({
 *   receiver: 'https://api.example',
 *   discovery: createDiscovery({}),
 *   accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
 * })
 *
 * export async function levelOf(request: Request): Promise<string> {
 *   const { caller } = await verifier.verify(await fromRequest(request, { bodyLimit: 65_536 }))
 *   return caller.level
 * }
 * ```
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const own = internalVerifier(options)
  return {
    async verify(message, per = {}) {
      checkOptions('verify', per, perChecks)
      return own.verify(message, per)
    },
    judgeHead(head, per = {}) {
      checkOptions('judgeHead', per, perChecks)
      return own.judgeHead(head, per)
    },
  }
}

/** As {@link createVerifier}, for code that makes the options of each request itself: they are not checked. */
export function internalVerifier(options: VerifierOptions): Verifier {
  checkOptions('createVerifier', options, checks, ['receiver', 'discovery', 'accept'])
  const { receiver, development = false, tolerance = 60 } = options
  checkIdentifier('receiver', receiver, { development })
  if (!(tolerance >= 1 && tolerance <= 300)) throw new RangeError('tolerance must be between 1 and 300 seconds')
  const own = new RequestVerifier(options)
  // Functions of their own: callers may take them out of the object.
  return {
    verify: (message, per) => own.verify(message, per),
    judgeHead: (head, per) => own.judgeHead(head, per),
  }
}

/** A class, so that its parts have names and no request allocates closures. */
class RequestVerifier implements Verifier {
  readonly #options: VerifierOptions
  readonly #now: () => number
  /** What openings of all routes have in common. */
  readonly #opening: Omit<OpenOptions, 'requiredComponents'> & Required<Pick<OpenOptions, 'authorities' | 'scheme'>>
  /** By the list of the route, so that httpsig checks the frozen options once and not for each request. */
  readonly #openings = new WeakMap<readonly string[], OpenOptions>()
  readonly #tokens: ReturnType<typeof createVerifiedTokens>
  readonly #inlineKeys = verifyKeyCache()
  /** A cache of its own: inline keys, which cost nothing to make, must not evict keys that an issuer has named. */
  readonly #confirmationKeys = verifyKeyCache()
  readonly #heads = createVerifiedHeads()

  constructor(options: VerifierOptions) {
    const { receiver, development = false, tolerance = 60, now = () => Date.now() / 1000 } = options
    this.#options = options
    this.#now = now
    const authorities = options.authorities ?? [authorityOf(receiver)]
    this.#opening = { authorities, scheme: schemeOf(receiver), now, tolerance }
    this.#tokens = createVerifiedTokens(options.tokenCache ?? 10_000, agent =>
      development ? undefined : shareSite(agent),
    )
  }

  async verify(message: ReceivedMessage, per: PerRequest = {}): Promise<Verified> {
    if (message.headFault !== undefined) throw message.headFault
    const head = this.#heads.find(message)
    const verified = head === undefined ? undefined : await this.#verifyRest(message, per, head)
    if (verified !== undefined) return verified
    const lookups = head?.lookups ?? this.#beginLookups(message, per)
    const { discovery } = lookups
    if (!isSigned(message)) {
      this.#checkUnsigned(message) // sig.target.form
      return { caller: { level: 'anonymous', ...peerOf(message) }, discovery }
    }
    const opened = openSignature(message, this.#openingFor(per))
    const caller = await identifyCaller(opened, this.#contextOf(per, lookups, head))
    return { caller, opened, discovery }
  }

  judgeHead(head: ReceivedMessage, per: PerRequest = {}): 'whole' | 'byte' | ReceivedMessage | VerifiedHead {
    try {
      if (!isSigned(head)) {
        this.#checkUnsigned(head)
        return 'whole'
      }
    } catch (fault) {
      return refusedHead(head, fault)
    }
    const opened = openHead(head, this.#openingFor(per))
    if (opened === 'byte' || !('base' in opened)) return opened
    const lookups = this.#beginLookups(head, per)
    return this.#heads.begin(head, { opened, per, lookups }, () =>
      identifyCaller(opened, this.#contextOf(per, lookups)),
    )
  }

  /** Verifies the rest of a request whose head is verified; undefined: the result of the head cannot be used. */
  async #verifyRest(message: ReceivedMessage, per: PerRequest, head: BegunHead): Promise<Verified | undefined> {
    const found = await head.done
    // Undefined when the message differs from its head or the route judges by other options: then all of it is verified again.
    const opened = isJudgedAlike(per, head.per)
      ? reopenSignature(head.opened, message, this.#openingFor(per))
      : undefined
    if (opened === undefined) return undefined
    if ('fault' in found) {
      // The fault names the components that the head required.
      if (!isSameList(per.requiredComponents, head.per.requiredComponents)) return undefined
      throw found.fault
    }
    // The token has expired since: verifying all of it again gives the usual error.
    if (!isTimely(head.lookups.token?.verified, { now: this.#now(), grace: per.expiredAgentTokenGrace ?? 0 }))
      return undefined
    await verifyBody(opened) // sig.digest.match
    const { caller, discovery } = found.verified
    const isThere = message.peer === head.opened.message.peer
    return { caller: isThere ? caller : { ...caller, ...peerOf(message) }, opened, discovery }
  }

  #checkUnsigned(message: ReceivedMessage): void {
    checkTarget(message) // sig.target.form
    chooseAuthority(message, this.#opening.authorities, this.#opening.scheme)
  }

  #openingFor({ requiredComponents = noComponents }: PerRequest): OpenOptions {
    const known = this.#openings.get(requiredComponents)
    if (known !== undefined) return known
    const made = Object.freeze({ ...this.#opening, requiredComponents })
    this.#openings.set(requiredComponents, made)
    return made
  }

  #beginLookups(message: ReceivedMessage, per: PerRequest): RequestLookups {
    return {
      listAnswers: {},
      discovery: this.#options.discovery.limited(undefined, new RequestNetwork(per.peer ?? message.peer)),
    }
  }

  #contextOf(per: PerRequest, lookups: RequestLookups, head?: BegunHead): CallerContext {
    const options = this.#options
    return {
      options,
      tokens: this.#tokens,
      inlineKeys: this.#inlineKeys,
      confirmationKeys: this.#confirmationKeys,
      lookups,
      now: this.#now(),
      discovery: lookups.discovery,
      accept: per.accept ?? options.accept,
      agents: per.agents ?? options.agents ?? 'any',
      expiredGrace: per.expiredAgentTokenGrace ?? 0,
      // The head has called it already: it is called once for each request.
      onToken: head === undefined ? options.onToken : undefined,
      prove: head === undefined ? verifySignature : proveUnproven(head),
    }
  }
}

/** The network whose share of the fetches a request takes; computed only when a fetch begins. */
class RequestNetwork {
  readonly #peer: string | undefined

  constructor(peer: string | undefined) {
    this.#peer = peer
  }

  /** Undefined for a private address: it may be a proxy's, and all callers behind it would share one network. */
  get network(): string | undefined {
    const peer = this.#peer
    return peer === undefined || isPrivatePeer(peer) ? undefined : wideNetworkOf(peer)
  }
}
