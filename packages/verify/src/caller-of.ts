import type { Discovery } from '@countersign/discovery'
import type { OpenedSignature, SignatureKey, VerifyKey, VerifyKeyCache } from '@countersign/httpsig'
import { AAuthError, type IdentifierList, isIdentifier, isListed, parseToken } from '@countersign/protocol'
import type { Answers, Asked } from './asked.js'
import type { AuthorizedCaller, Caller, Credential, IdentifiedCaller, PseudonymousCaller } from './caller.js'
import { peerOf } from './network.js'
import { noIdentity } from './no-identity.js'
import type { VerifierOptions } from './options.js'
import { verifyUnder } from './prove-issuer.js'
import { issuerKey, openCallerToken, type PendingToken } from './token.js'
import type { VerifiedToken, VerifiedTokens } from './verified-tokens.js'

/** What it takes to tell whose one request is. */
export interface CallerContext {
  readonly options: VerifierOptions
  readonly tokens: VerifiedTokens
  readonly inlineKeys: VerifyKeyCache
  readonly confirmationKeys: VerifyKeyCache
  readonly now: number
  readonly accept: readonly Credential[]
  readonly discovery: Discovery
  readonly expiredGrace: number
  readonly asked: Pick<Asked, 'answers' | 'token'>
  readonly onToken: VerifierOptions['onToken'] | undefined
  /** Verifies that the key has signed the request, and the digest of what there is of its body. @throws HttpSigError */
  prove(opened: OpenedSignature, key: VerifyKey): Promise<void>
}

/**
 * Establishes whose a request is whose local checks have passed.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 */
export function callerOf(opened: OpenedSignature, context: CallerContext): Promise<Caller> {
  const { signatureKey } = opened
  switch (signatureKey.scheme) {
    case 'hwk':
      return inlineKeyCaller(opened, signatureKey, context)
    case 'jwks_uri':
      return publishedKeyCaller(opened, signatureKey, context)
    case 'jwt':
      return tokenCaller(opened, signatureKey.jwt, context)
  }
}

async function inlineKeyCaller(
  opened: OpenedSignature,
  { jwk }: SignatureKey & { scheme: 'hwk' },
  context: CallerContext,
): Promise<PseudonymousCaller> {
  accepts(context, 'hwk')
  const key = await context.inlineKeys.import(jwk)
  await context.prove(opened, key)
  return { level: 'pseudonymous', key, ...peerOf(opened.message) }
}

async function publishedKeyCaller(
  opened: OpenedSignature,
  signatureKey: SignatureKey & { scheme: 'jwks_uri' },
  context: CallerContext,
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
  const key = await verifyUnder(known, source, under => context.prove(opened, under))
  return { level: 'identified', agent: id, key, ...peerOf(opened.message) }
}

async function tokenCaller(
  opened: OpenedSignature,
  jwt: string,
  context: CallerContext,
): Promise<IdentifiedCaller | AuthorizedCaller> {
  const { asked } = context
  const known = asked.token?.jwt === jwt ? asked.token.verified : context.tokens.get(jwt)
  if (known !== undefined && (await stillHolds(known, context))) {
    asked.token ??= { jwt, verified: known }
    countToken('hit', context)
    // The thief of a token has not its key: only a signature under cnf makes it the caller's.
    await context.prove(opened, known.confirmationKey)
    return callerUnder(known, opened, context)
  }
  countToken('miss', context)
  const { proven, token } = await openToken(jwt, context)
  const bound = context.prove(opened, token.confirmationKey)
  // Both are checked side by side; whatever the request's signature says, a fault of the token is told first.
  bound.catch(() => undefined)
  const issuerKey = await proven
  await bound
  // Only now: a token that nobody has proven to hold displaces no other.
  const verified = { ...token, issuerKey }
  asked.token = { jwt, verified }
  context.tokens.set(jwt, verified)
  return callerUnder(token, opened, context)
}

function countToken(seen: 'hit' | 'miss', { onToken }: CallerContext): void {
  if (onToken === undefined) return
  try {
    onToken(seen)
  } catch {
    // Counting must not decide who is let in.
  }
}

async function openToken(jwt: string, context: CallerContext): Promise<PendingToken> {
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
async function stillHolds(token: VerifiedToken, context: CallerContext): Promise<boolean> {
  accepts(context, token.typ)
  if (!isTimely(token, { now: context.now, grace: context.expiredGrace })) return false
  const admitting = token.typ === 'auth+jwt' ? admitIssuer(token.iss, context) : admitAgent(token.iss, context)
  if (admitting !== undefined) await admitting
  return (await issuerKey(token, context.discovery)) === token.issuerKey
}

/**
 * Whether a token is accepted at this time; so is none.
 * @param at.grace seconds past its end for which an agent token is still taken
 */
export function isTimely(
  token: Pick<VerifiedToken, 'typ' | 'notBefore' | 'exp'> | undefined,
  at: { readonly now: number; readonly grace: number },
): boolean {
  if (token === undefined) return true
  const grace = token.typ === 'agent+jwt' ? at.grace : 0
  return at.now >= token.notBefore && at.now < token.exp + grace
}

/** The caller that a token names, once its own signature and the request's have held. */
function callerUnder(
  token: VerifiedToken,
  opened: OpenedSignature,
  context: CallerContext,
): IdentifiedCaller | AuthorizedCaller | Promise<IdentifiedCaller | AuthorizedCaller> {
  // An agent token's issuer is the agent, and was admitted before its key was fetched.
  const admitting = token.typ === 'auth+jwt' ? admitAgent(token.facts.agent, context) : undefined
  const caller = { ...token.facts, ...peerOf(opened.message) }
  return admitting === undefined ? caller : admitting.then(() => caller)
}

function accepts(context: CallerContext, credential: Credential): void {
  if (!context.accept.includes(credential)) {
    throw new AAuthError('insufficient_level', 'this endpoint does not accept this kind of credential')
  }
}

/** @returns undefined where the list as it stands admits it: most do, and need no promise to say so */
function admitAgent(agent: string, context: CallerContext): Promise<void> | undefined {
  const { agents = 'any' } = context.options
  return hasPlainly(agents, agent) ? undefined : admit('agents', agents, agent, context)
}

/**
 * An attacker's own auth server can have perfect metadata, keys and tokens: only the list decides, and before any fetch.
 * @returns as {@link admitAgent}
 */
function admitIssuer(issuer: string, context: CallerContext): Promise<void> | undefined {
  const { authServers = [] } = context.options
  return hasPlainly(authServers, issuer) ? undefined : admit('authServers', authServers, issuer, context)
}

function hasPlainly(list: IdentifierList, identifier: string): boolean {
  return list === 'any' || (typeof list === 'object' && list.includes(identifier))
}

async function admit(
  kind: keyof Answers,
  list: IdentifierList,
  identifier: string,
  { asked }: CallerContext,
): Promise<void> {
  if (await isOn(kind, list, { identifier, asked })) return
  throw kind === 'agents'
    ? new AAuthError('policy_denied', 'this agent is not admitted here')
    : new AAuthError('untrusted_issuer', 'iss of the auth token is not an auth server accepted here')
}

/** Whether a list has an identifier. A function may look in a database: it is asked once a request. */
async function isOn(
  kind: keyof Answers,
  list: IdentifierList,
  { identifier, asked }: { readonly identifier: string; readonly asked: Pick<Asked, 'answers'> },
): Promise<boolean> {
  if (typeof list !== 'function') return isListed(list, identifier)
  const known = asked.answers[kind]
  if (known?.identifier === identifier) return known.isListed
  const answer = { identifier, isListed: await isListed(list, identifier) }
  asked.answers[kind] = answer
  return answer.isListed
}
