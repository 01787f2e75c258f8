import type { Discovery } from '@countersign/discovery'
import type { OpenedSignature, SignatureKey, VerifyKey, VerifyKeyCache } from '@countersign/httpsig'
import { proveSignature } from '@countersign/httpsig/internal'
import { type IdentifierList, isIdentifier, isListed, parseToken } from '@countersign/protocol'
import { isTestKey, refusal } from '@countersign/protocol/internal'
import type { AuthorizedCaller, Caller, Credential, IdentifiedCaller, PseudonymousCaller } from './caller.js'
import { peerOf } from './network.js'
import type { VerifierOptions } from './options.js'
import { verifyUnder } from './prove-issuer.js'
import { asTokenFault, findIssuerKey, openCallerToken, type PendingToken } from './token.js'
import { isTimely } from './token-times.js'
import { unsupportedTokenType } from './unsupported-token-type.js'
import type { VerifiedToken, VerifiedTokens } from './verified-tokens.js'

/** What {@link identifyCaller} needs, for one request. */
export interface CallerContext {
  readonly options: VerifierOptions
  readonly tokens: VerifiedTokens
  readonly inlineKeys: VerifyKeyCache
  readonly confirmationKeys: VerifyKeyCache
  readonly now: number
  readonly accept: readonly Credential[]
  readonly agents: IdentifierList
  readonly discovery: Discovery
  readonly expiredGrace: number
  readonly onToken: VerifierOptions['onToken'] | undefined
}

/**
 * Identifies the caller of a request that has passed the local checks, and verifies its signature.
 * @throws AAuthError or HttpSigError with the code of protocol §8
 */
export function identifyCaller(opened: OpenedSignature, context: CallerContext): Promise<Caller> {
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
  checkAccepted(context, 'hwk') // error.insufficient-level
  const key = await context.inlineKeys.import(jwk)
  refuseTestKey(key, 'invalid_signature', context)
  await proveSignature(opened, key) // SIG-26
  return { level: 'pseudonymous', key, ...peerOf(opened.message) }
}

async function publishedKeyCaller(
  opened: OpenedSignature,
  signatureKey: SignatureKey & { scheme: 'jwks_uri' },
  context: CallerContext,
): Promise<IdentifiedCaller> {
  checkAccepted(context, 'jwks_uri') // error.insufficient-level
  const { id, kid, dwk } = signatureKey
  // With any other document name, a JSON file that a user uploaded to an origin could pass for the agent metadata of that origin.
  if (dwk !== 'aauth-agent')
    throw refusal('signature_key_malformed', { about: 'dwk must be aauth-agent', required_components: opened.required })
  if (!isIdentifier(id, { development: context.options.development ?? false })) {
    throw refusal('signature_key_malformed', {
      about: 'id must be an https origin such as https://agent.example',
      required_components: opened.required,
    })
  }
  await admitAgent(id, context) // error.policy-denied
  const { discovery } = context
  const known = await discovery.key('aauth-agent', id, kid)
  if (known === undefined) throw refusal('key_unknown', { code: 'invalid_agent_token' })
  const source = { document: 'aauth-agent', id, kid, discovery } as const
  const key = await verifyUnder(known, source, under => proveSignature(opened, under))
  return { level: 'identified', agent: id, key, ...peerOf(opened.message) }
}

async function tokenCaller(
  opened: OpenedSignature,
  jwt: string,
  context: CallerContext,
): Promise<IdentifiedCaller | AuthorizedCaller> {
  const known = context.tokens.get(jwt)
  if (known !== undefined && (await isStillValid(known, context))) {
    countToken('hit', context)
    // A stolen token is useless without its key: only a signature by the key in cnf proves that the token is the caller's.
    await proveSignature(opened, known.confirmationKey) // token.binding
    return callerUnder(known, opened, context)
  }
  countToken('miss', context)
  const { proven, token } = await openToken(jwt, context)
  // Observed here, since the refusal below does not wait for it.
  proven.catch(() => undefined)
  refuseTestKey(token.confirmationKey, token.typ === 'auth+jwt' ? 'invalid_auth_token' : 'invalid_agent_token', context)
  const bound = proveSignature(opened, token.confirmationKey)
  // Both signatures are checked at the same time, but a fault of the token is reported before one of the request's signature.
  bound.catch(() => undefined)
  const issuerKey = await proven
  await bound.catch(fault => {
    throw asTokenFault(fault, token)
  })
  // Cached only now: a token whose holder has not proven its key must not evict others.
  context.tokens.set(jwt, { ...token, issuerKey })
  return callerUnder(token, opened, context)
}

/** A key whose private half is printed in a specification proves nothing: a token that is bound to it is a bearer token. */
function refuseTestKey(
  { thumbprint }: VerifyKey,
  code: 'invalid_signature' | 'invalid_agent_token' | 'invalid_auth_token',
  { options }: CallerContext,
): void {
  if (options.development === true || !isTestKey(thumbprint)) return
  throw refusal('key_public', { code })
}

function countToken(seen: 'hit' | 'miss', { onToken }: CallerContext): void {
  if (onToken === undefined) return
  try {
    onToken(seen)
  } catch {
    // A broken metric must not refuse a request.
  }
}

async function openToken(jwt: string, context: CallerContext): Promise<PendingToken> {
  const { receiver, development = false } = context.options
  const parsed = parseToken(
    jwt,
    context.accept.includes('auth+jwt') ? ['auth+jwt', 'agent+jwt'] : ['agent+jwt', 'auth+jwt'],
    { development, refuseType: unsupportedTokenType },
  )
  checkAccepted(context, parsed.typ === 'auth+jwt' ? 'auth+jwt' : 'agent+jwt') // error.insufficient-level
  if (parsed.typ === 'auth+jwt')
    await admitIssuer(parsed.iss, context) // trust.resource.auth-servers
  else await admitAgent(parsed.iss, context)
  const { discovery, confirmationKeys, now, expiredGrace } = context
  return openCallerToken(parsed, { receiver, discovery, confirmationKeys, now, expiredGrace })
}

/** Checks all that can change for a cached token: its times, its issuer's key, the lists, the credentials this route accepts. */
async function isStillValid(token: VerifiedToken, context: CallerContext): Promise<boolean> {
  checkAccepted(context, token.typ)
  if (!isTimely(token, { now: context.now, grace: context.expiredGrace })) return false // token.times
  if (token.typ === 'auth+jwt') await admitIssuer(token.iss, context)
  else await admitAgent(token.iss, context)
  return (await findIssuerKey(token, context.discovery)) === token.issuerKey
}

/** The caller that a token names, after the signatures of the token and of the request were verified. */
async function callerUnder(
  token: VerifiedToken,
  opened: OpenedSignature,
  context: CallerContext,
): Promise<IdentifiedCaller | AuthorizedCaller> {
  // The issuer of an agent token is the agent, and was admitted before its key was fetched.
  if (token.typ === 'auth+jwt') await admitAgent(token.facts.agent, context)
  return { ...token.facts, ...peerOf(opened.message) }
}

function checkAccepted(context: CallerContext, credential: Credential): void {
  if (!context.accept.includes(credential)) {
    throw refusal('credential_not_accepted')
  }
}

async function admitAgent(agent: string, { agents }: CallerContext): Promise<void> {
  if (!(await isListed(agents, agent))) throw refusal('caller_denied')
}

/** An attacker's own auth server can have perfect metadata, keys and tokens: only the list decides, before any fetch. */
async function admitIssuer(issuer: string, { options }: CallerContext): Promise<void> {
  if (!(await isListed(options.authServers ?? [], issuer)))
    throw refusal('issuer_untrusted', { about: 'iss of the auth token' })
}
