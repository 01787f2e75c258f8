import { shareSite } from '@countersign/discovery/internal'
import { type OpenOptions, openSignature, type ReceivedMessage, readBody, verifyKeyCache } from '@countersign/httpsig'
import { checkTarget, chooseAuthority, isSigned, verifyBody } from '@countersign/httpsig/internal'
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
import { type CallerContext, identifyCaller } from './identify-caller.js'
import { isPrivatePeer, peerOf, wideNetworkOf } from './network.js'
import type { PerRequest, VerifierOptions } from './options.js'
import { checkStillTimely } from './token-times.js'
import { createVerifiedTokens } from './verified-tokens.js'

/** Verifies received messages and identifies their callers. */
export interface Verifier {
  /**
   * Returns an anonymous caller for an unsigned request; verifies a signed request in full or refuses it. A body that is unread is read
   * once the signature has verified.
   * @throws AAuthError or HttpSigError with the code of protocol §8
   */
  verify(message: ReceivedMessage, per?: PerRequest): Promise<Verified>
  /**
   * Verifies the head alone, for receivers that judge a caller before they read its body: {@link Verifier.verifyBody} is the rest, and
   * **until it has passed nothing is known of the body**.
   * @throws as `verify`
   */
  verifyHead(message: ReceivedMessage, per?: PerRequest): Promise<Verified>
  /**
   * Reads the body of a request whose head has verified, and compares it with its digest. The request counts as received at its last
   * byte: its signature and token must still be in time.
   * @throws as `verify`
   */
  verifyBody(head: Verified, per?: PerRequest): Promise<Verified>
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
    async verifyHead(message, per = {}) {
      checkOptions('verifyHead', per, perChecks)
      return own.verifyHead(message, per)
    },
    async verifyBody(head, per = {}) {
      checkOptions('verifyBody', per, perChecks)
      return own.verifyBody(head, per)
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
    verifyHead: (message, per) => own.verifyHead(message, per),
    verifyBody: (head, per) => own.verifyBody(head, per),
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
    return this.verifyBody(await this.verifyHead(message, per), per)
  }

  async verifyHead(message: ReceivedMessage, per: PerRequest = {}): Promise<Verified> {
    const context = this.#contextOf(message, per)
    const { discovery } = context
    if (!isSigned(message)) {
      checkTarget(message) // sig.target.form
      chooseAuthority(message, this.#opening.authorities, this.#opening.scheme)
      return { message, caller: { level: 'anonymous', ...peerOf(message) }, discovery }
    }
    const opened = openSignature(message, this.#openingFor(per))
    return { message, caller: await identifyCaller(opened, context), opened, discovery }
  }

  async verifyBody(head: Verified, per: PerRequest = {}): Promise<Verified> {
    const { opened, message } = head
    if (opened === undefined) return message.unread === undefined ? head : { ...head, message: await readBody(message) }
    const whole = await verifyBody(opened) // sig.digest.match
    if (message.unread === undefined) return head
    checkStillTimely(head.caller, { now: this.#now(), grace: per.expiredAgentTokenGrace ?? 0 })
    return { ...head, opened: whole, message: whole.message }
  }

  #openingFor({ requiredComponents = noComponents }: PerRequest): OpenOptions {
    const known = this.#openings.get(requiredComponents)
    if (known !== undefined) return known
    const made = Object.freeze({ ...this.#opening, requiredComponents })
    this.#openings.set(requiredComponents, made)
    return made
  }

  #contextOf(message: ReceivedMessage, per: PerRequest): CallerContext {
    const options = this.#options
    return {
      options,
      tokens: this.#tokens,
      inlineKeys: this.#inlineKeys,
      confirmationKeys: this.#confirmationKeys,
      now: this.#now(),
      discovery: options.discovery.limited(undefined, new RequestNetwork(per.peer ?? message.peer)),
      accept: per.accept ?? options.accept,
      agents: per.agents ?? options.agents ?? 'any',
      expiredGrace: per.expiredAgentTokenGrace ?? 0,
      onToken: options.onToken,
    }
  }
}

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
