import { type Discovery, shareSite } from '@countersign/discovery'
import {
  checkTarget,
  chooseAuthority,
  type HeadJudgement,
  isSigned,
  judgeHead,
  type OpenedSignature,
  openSignature,
  type ReceivedMessage,
  refusedHead,
  type SignatureKey,
  type VerifyKeyCache,
  verifyKeyCache,
  verifySignature,
} from '@countersign/httpsig'
import {
  AAuthError,
  authorityOf,
  checkIdentifier,
  checkOptions,
  each,
  type IdentifierList,
  identifiersCheck,
  isIdentifier,
  isListed,
  type OptionCheck,
  type OptionChecks,
  parseToken,
  restriction,
  schemeOf,
} from '@countersign/protocol'
import type { AuthorizedCaller, Caller, Credential, IdentifiedCaller, Verified } from './caller.js'
import { isPrivatePeer, peerOf, wideNetworkOf } from './network.js'
import { noIdentity } from './no-identity.js'
import { verifyUnder } from './prove-issuer.js'
import { issuerKey, openCallerToken, type PendingToken } from './token.js'
import { type VerifiedToken, type VerifiedTokens, verifiedTokens } from './verified-tokens.js'

/** What a verifier must know about the party it works for. */
export interface VerifierOptions {
  /** The receiver's own identifier: what it looks for in `aud`. */
  readonly receiver: string
  /** The authorities it answers under, lower case. Default: that of `receiver`. Never taken from the request. */
  readonly authorities?: readonly string[]
  readonly discovery: Discovery
  /** Credentials that are looked at; others are `insufficient_level` before anything is fetched. */
  readonly accept: readonly Credential[]
  /** Auth servers whose tokens count. No default: without it every auth token is `untrusted_issuer`. */
  readonly authServers?: IdentifierList
  /** Agents that are let in at all; nothing is fetched for others. Default `any`. */
  readonly agents?: IdentifierList
  /** Seconds that `created` may differ from now. Default 60, 1 to 300. */
  readonly tolerance?: number
  /** Unix seconds. */
  readonly now?: () => number
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** How many verified tokens are remembered. Default 10 000. */
  readonly tokenCache?: number
  /**
   * Told, as a token is looked at, whether it was verified before and still holds: then only the request's own signature is
   * checked. For metrics; what it throws is ignored.
   */
  readonly onToken?: (seen: 'hit' | 'miss') => void
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
  requiredComponents: restriction('strings'),
  expiredAgentTokenGrace: 'number',
  peer: 'string',
}

/** What may differ from request to request. */
export interface PerRequest {
  readonly accept?: readonly Credential[]
  /** Components beyond the usual ones that must be covered where the request has them. */
  readonly requiredComponents?: readonly string[]
  /** Seconds past `exp` for which an agent token is still taken: the renewal endpoint's, nobody else's. */
  readonly expiredAgentTokenGrace?: number
  /** Where the caller is, as far as trusted proxies say. Default: at the other end of the connection. */
  readonly peer?: string | undefined
}

/** Turns received messages into verified facts. */
export interface Verifier {
  /**
   * Unsigned requests yield an anonymous caller; anything signed is verified in full or refused.
   * @throws AAuthError or HttpSigError with the code of protocol §8
   */
  verify(message: ReceivedMessage, per?: PerRequest): Promise<Verified>
  /**
   * Makes the checks that need neither key nor fetch nor body, before the body is read. What is refused by them is refused by
   * `verify`, too, when it gets the message that this returns.
   */
  judgeHead(head: ReceivedMessage, per?: Pick<PerRequest, 'requiredComponents'>): HeadJudgement
}

interface Context {
  readonly options: VerifierOptions
  readonly tokens: VerifiedTokens
  readonly inlineKeys: VerifyKeyCache
  readonly confirmationKeys: VerifyKeyCache
  readonly now: number
  readonly accept: readonly Credential[]
  readonly discovery: Discovery
  readonly expiredGrace: number
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
  return {
    async verify(message, per = {}) {
      checkOptions('verify', per, perChecks)
      const discovery = options.discovery.limited(undefined, {
        get network() {
          return callerNetwork(per.peer ?? message.peer)
        },
      })
      if (message.headFault !== undefined) throw message.headFault
      if (!isSigned(message)) {
        checkTarget(message)
        chooseAuthority(message, authorities, scheme)
        return { caller: { level: 'anonymous', ...peerOf(message) }, discovery }
      }
      const requiredComponents = per.requiredComponents ?? []
      const opened = openSignature(message, { authorities, scheme, now, tolerance, requiredComponents })
      const caller = await callerOf(opened, {
        options,
        tokens,
        inlineKeys,
        confirmationKeys,
        now: now(),
        accept: per.accept ?? options.accept,
        discovery,
        expiredGrace: per.expiredAgentTokenGrace ?? 0,
      })
      return { caller, opened, discovery }
    },
    judgeHead(head, { requiredComponents = [] } = {}) {
      if (isSigned(head)) return judgeHead(head, { authorities, scheme, now, tolerance, requiredComponents })
      try {
        checkTarget(head)
        chooseAuthority(head, authorities, scheme)
        return 'whole'
      } catch (fault) {
        return refusedHead(head, fault)
      }
    },
  }
}

/** Whose share of the fetches a request takes. A private address may be a proxy's, with everyone behind it: it has none. */
function callerNetwork(peer: string | undefined): string | undefined {
  return peer === undefined || isPrivatePeer(peer) ? undefined : wideNetworkOf(peer)
}

async function callerOf(opened: OpenedSignature, context: Context): Promise<Caller> {
  const { signatureKey } = opened
  switch (signatureKey.scheme) {
    case 'hwk': {
      accepts(context, 'hwk')
      const key = await context.inlineKeys.import(signatureKey.jwk)
      await verifySignature(opened, key)
      return { level: 'pseudonymous', key, ...peerOf(opened.message) }
    }
    case 'jwks_uri':
      return publishedKeyCaller(opened, signatureKey, context)
    case 'jwt':
      return tokenCaller(opened, signatureKey.jwt, context)
  }
}

async function publishedKeyCaller(
  opened: OpenedSignature,
  signatureKey: SignatureKey & { scheme: 'jwks_uri' },
  context: Context,
): Promise<IdentifiedCaller> {
  accepts(context, 'jwks_uri')
  const { id, kid, dwk } = signatureKey
  // A free choice of document would let any JSON on an origin pass for its agent metadata.
  if (dwk !== 'aauth-agent') throw new AAuthError('invalid_signature', 'dwk of Signature-Key must be aauth-agent')
  if (!isIdentifier(id, { development: context.options.development ?? false })) {
    throw new AAuthError(
      'invalid_signature',
      'id of Signature-Key is not an identifier: it must be an https origin such as https://agent.example',
    )
  }
  await admitAgent(id, context)
  const { discovery } = context
  const known = await discovery.key('aauth-agent', id, kid)
  if (known === undefined) throw new AAuthError('invalid_agent_token', 'the agent publishes no key with this kid')
  const source = { document: 'aauth-agent', id, kid, discovery } as const
  const key = await verifyUnder(known, source, under => verifySignature(opened, under))
  return { level: 'identified', agent: id, key, ...peerOf(opened.message) }
}

async function tokenCaller(
  opened: OpenedSignature,
  jwt: string,
  context: Context,
): Promise<IdentifiedCaller | AuthorizedCaller> {
  const known = context.tokens.get(jwt)
  if (known !== undefined && (await stillHolds(known, context))) {
    countToken('hit', context)
    // The thief of a token has not its key: only a signature under cnf makes it the caller's.
    await verifySignature(opened, known.confirmationKey)
    return callerUnder(known, opened, context)
  }
  countToken('miss', context)
  const { proven, token } = await openToken(jwt, context)
  const bound = verifySignature(opened, token.confirmationKey)
  // Both are checked side by side; whatever the request's signature says, a fault of the token is told first.
  bound.catch(() => undefined)
  const issuerKey = await proven
  await bound
  // Only now: a token that nobody has proven to hold displaces no other.
  context.tokens.set(jwt, { ...token, issuerKey })
  return callerUnder(token, opened, context)
}

function countToken(seen: 'hit' | 'miss', { options: { onToken } }: Context): void {
  if (onToken === undefined) return
  try {
    onToken(seen)
  } catch {
    // Counting must not decide who is let in.
  }
}

async function openToken(jwt: string, context: Context): Promise<PendingToken> {
  const { receiver, development = false } = context.options
  const parsed = parseToken(
    jwt,
    context.accept.includes('auth+jwt') ? ['auth+jwt', 'agent+jwt'] : ['agent+jwt', 'auth+jwt'],
    { development, refuseType: noIdentity },
  )
  accepts(context, parsed.typ === 'auth+jwt' ? 'auth+jwt' : 'agent+jwt')
  if (parsed.typ === 'auth+jwt') await admitIssuer(parsed.iss, context)
  else await admitAgent(parsed.iss, context)
  const { discovery, confirmationKeys, now, expiredGrace } = context
  return openCallerToken(parsed, { receiver, discovery, confirmationKeys, now, expiredGrace })
}

/** Everything about a remembered token that can change: its time, the issuer's key, the lists, what this route accepts. */
async function stillHolds(token: VerifiedToken, context: Context): Promise<boolean> {
  accepts(context, token.typ)
  const grace = token.typ === 'agent+jwt' ? context.expiredGrace : 0
  if (context.now < token.notBefore || context.now >= token.exp + grace) return false
  if (token.typ === 'auth+jwt') await admitIssuer(token.iss, context)
  else await admitAgent(token.iss, context)
  return (await issuerKey(token, context.discovery)) === token.issuerKey
}

/** The caller that a token names, once its own signature and the request's have held. */
async function callerUnder(
  token: VerifiedToken,
  opened: OpenedSignature,
  context: Context,
): Promise<IdentifiedCaller | AuthorizedCaller> {
  // An agent token's issuer is the agent, and was admitted before its key was fetched.
  if (token.typ === 'auth+jwt') await admitAgent(token.facts.agent, context)
  return { ...token.facts, ...peerOf(opened.message) }
}

function accepts(context: Context, credential: Credential): void {
  if (!context.accept.includes(credential)) {
    throw new AAuthError('insufficient_level', 'this endpoint does not accept this kind of credential')
  }
}

async function admitAgent(agent: string, context: Context): Promise<void> {
  const { agents = 'any' } = context.options
  if (!(names(agents, agent) || (await isListed(agents, agent))))
    throw new AAuthError('policy_denied', 'this agent is not admitted here')
}

async function admitIssuer(issuer: string, context: Context): Promise<void> {
  const { authServers = [] } = context.options
  // An attacker's own auth server can have perfect metadata, keys and tokens: only the list decides, and before any fetch.
  if (!(names(authServers, issuer) || (await isListed(authServers, issuer)))) {
    throw new AAuthError('untrusted_issuer', 'iss of the auth token is not an auth server accepted here')
  }
}

/** Whether a list has an identifier as it stands; {@link isListed} says the same, by way of a promise. */
function names(list: IdentifierList, identifier: string): boolean {
  return list === 'any' || (typeof list === 'object' && list.includes(identifier))
}
