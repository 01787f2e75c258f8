import type { Directory } from '@countersign/discovery'
import { HttpSigError, type VerifyKey, type VerifyKeyCache } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentTokenClaims,
  type AuthTokenClaims,
  checkAgentToken,
  checkAuthToken,
  checkResourceToken,
  type IdentifierList,
  isListed,
  type ParsedToken,
  parseToken,
  type ResourceTokenClaims,
  type TokenType,
} from '@countersign/protocol'
import { checkOptionsOffPage, invalidToken, offPage, refusal, restated } from '@countersign/protocol/internal'
import { proveIssuer } from './prove-issuer.js'
import { publishedIn } from './published-in.js'
import { authorizedFacts, identifiedFacts } from './token-facts.js'
import type { VerifiedToken } from './verified-tokens.js'

/** Resolves with the issuer's key under the token's `kid`. @throws AAuthError with the code of the token's type when there is none */
export function findIssuerKey(
  parsed: Pick<ParsedToken, 'typ' | 'iss' | 'kid'>,
  discovery: Pick<Directory, 'key'>,
): Promise<VerifyKey> {
  return discovery.key(publishedIn[parsed.typ], parsed.iss, parsed.kid).then(key => {
    if (key !== undefined) return key
    throw invalidToken('token_key_unknown', parsed)
  })
}

/** A caller's token whose claims are checked while its signature is still being verified. */
export interface PendingToken {
  /**
   * The issuer's key with which the token verified; rejects when it does not. Until it resolves, `token` must not be reported,
   * cached or acted on: its claims may be forged.
   */
  readonly proven: Promise<VerifyKey>
  /** Its `issuerKey` is the cached key, which `proven` may replace. */
  readonly token: VerifiedToken
}

/**
 * Begins to verify an agent or auth token whose issuer is already trusted: key → signature → times → audience → claims.
 * Resolves while the signature is being verified, so that the request's signature can be verified at the same time.
 * A fault in the claims is reported after one of the signature.
 */
export async function openCallerToken(
  parsed: ParsedToken,
  options: {
    readonly receiver: string
    readonly discovery: Pick<Directory, 'key'>
    readonly confirmationKeys: VerifyKeyCache
    readonly now: number
    readonly expiredGrace: number
  },
): Promise<PendingToken> {
  const key = await findIssuerKey(parsed, options.discovery)
  const proven = proveIssuer(parsed, key, options.discovery)
  // It may reject before it is awaited, which must not count as an unhandled rejection.
  proven.catch(() => undefined)
  try {
    return { proven, token: await readCallerToken(parsed, key, options) }
  } catch (fault) {
    await proven
    throw fault
  }
}

async function readCallerToken(
  parsed: ParsedToken,
  issuerKey: VerifyKey,
  options: {
    readonly receiver: string
    readonly confirmationKeys: VerifyKeyCache
    readonly now: number
    readonly expiredGrace: number
  },
): Promise<VerifiedToken> {
  const { receiver, confirmationKeys, now, expiredGrace } = options
  const claims =
    parsed.typ === 'auth+jwt'
      ? checkAuthToken(parsed, { now, audience: receiver })
      : checkAgentToken(parsed, { now, receiver, expiredGrace })
  const confirmationKey = await importConfirmation(claims, { parsed, confirmationKeys })
  const nbf = parsed.payload['nbf']
  const token = {
    kid: parsed.kid,
    iss: parsed.iss,
    issuerKey,
    confirmationKey,
    notBefore: Math.max(claims.iat, typeof nbf === 'number' ? nbf : 0) - 60,
    exp: claims.exp,
  }
  return parsed.typ === 'auth+jwt'
    ? { ...token, typ: 'auth+jwt', facts: authorizedFacts(claims as AuthTokenClaims, confirmationKey, parsed) }
    : { ...token, typ: 'agent+jwt', facts: identifiedFacts(claims as AgentTokenClaims, confirmationKey, parsed) }
}

/** The key in `cnf`. @throws AAuthError */
async function importConfirmation(
  { cnf }: AgentTokenClaims | AuthTokenClaims,
  { parsed, confirmationKeys }: { readonly parsed: ParsedToken; readonly confirmationKeys: VerifyKeyCache },
): Promise<VerifyKey> {
  try {
    return await confirmationKeys.import(cnf.jwk)
  } catch (fault) {
    throw asTokenFault(fault, parsed)
  }
}

/** A key in `cnf` that is no point of its curve is a fault of the claim, like every other key that is none. */
export function asTokenFault(fault: unknown, { typ }: Pick<ParsedToken, 'typ'>): unknown {
  if (!(fault instanceof HttpSigError) || fault.reason !== 'key_unacceptable') return fault
  return invalidToken('token_claim_malformed', { typ, cause: fault }, offPage && 'cnf.jwk must be a point on its curve')
}

/** The options of every check of a single token. */
export interface TokenCheck {
  /** The compact JWS. */
  readonly token: string
  /** The identifier that must be in `aud`. */
  readonly audience: string
  readonly discovery: Pick<Directory, 'key'>
  /** Unix seconds. */
  readonly now: number
  readonly development?: boolean
}

/**
 * Verifies a resource token as an agent or an auth server must before it relies on it.
 * @throws AAuthError `invalid_resource_token`, `discovery_failed` (400, or 503 when unreachable)
 * @see protocol §4 "The agent checks the resource", §6.2
 */
export async function verifyResourceToken(
  check: TokenCheck & {
    /** The only issuer that is accepted; checked before anything is fetched. */
    readonly issuer?: string
    /** The accepted issuers; checked before anything is fetched. Default `any`. */
    readonly trusted?: IdentifierList
  },
): Promise<ResourceTokenClaims> {
  checkOptionsOffPage('verifyResourceToken', check, {
    token: 'string',
    audience: 'string',
    discovery: 'object',
    now: 'any',
    development: 'boolean',
    issuer: 'string',
    trusted: 'any',
  })
  const parsed = parseToken(check.token, ['resource+jwt'], { development: check.development ?? false })
  if (check.issuer !== undefined) checkIssuer(parsed, check.issuer)
  if (check.trusted !== undefined && !(await isListed(check.trusted, parsed.iss))) {
    throw refusal('issuer_untrusted', { about: 'iss of the resource token', status: 400 })
  }
  await proveIssuer(parsed, await findResourceKey(parsed, check.discovery), check.discovery)
  return checkResourceToken(parsed, { now: check.now, audience: check.audience })
}

/**
 * The issuer's key of a resource token. A wrong document of the resource is a fault of the token (400) and not of the caller's
 * credentials (401).
 */
async function findResourceKey(parsed: ParsedToken, discovery: Pick<Directory, 'key'>): Promise<VerifyKey> {
  try {
    return await findIssuerKey(parsed, discovery)
  } catch (error) {
    if (!(error instanceof AAuthError) || error.code !== 'discovery_failed' || error.status !== 401) throw error
    throw restated(error, { status: 400, cause: error })
  }
}

/**
 * Verifies an auth token of one expected issuer.
 * @throws AAuthError `invalid_auth_token`, `discovery_failed`
 * @see protocol §6.4 (3)
 */
export async function verifyAuthToken(check: TokenCheck & { readonly issuer: string }): Promise<AuthTokenClaims> {
  checkOptionsOffPage('verifyAuthToken', check, {
    token: 'string',
    audience: 'string',
    discovery: 'object',
    now: 'any',
    development: 'boolean',
    issuer: 'string',
  })
  const parsed = await verifyIssuedToken('auth+jwt', check)
  return checkAuthToken(parsed, { now: check.now, audience: check.audience })
}

/**
 * Verifies an agent token of one expected agent server, as a delegate does after its enrolment.
 * @throws AAuthError `invalid_agent_token`, `discovery_failed`
 * @see protocol §5
 */
export async function verifyAgentToken(
  check: Omit<TokenCheck, 'audience'> & { readonly issuer: string },
): Promise<AgentTokenClaims> {
  checkOptionsOffPage('verifyAgentToken', check, {
    token: 'string',
    discovery: 'object',
    now: 'any',
    development: 'boolean',
    issuer: 'string',
  })
  const parsed = await verifyIssuedToken('agent+jwt', check)
  const aud = parsed.payload['aud']
  const receiver =
    typeof aud === 'string' ? aud : Array.isArray(aud) && typeof aud[0] === 'string' ? aud[0] : check.issuer
  return checkAgentToken(parsed, { now: check.now, receiver })
}

/** Verifies the type, issuer and signature of a token; nothing is fetched for any other issuer. */
async function verifyIssuedToken(
  typ: TokenType,
  check: Omit<TokenCheck, 'audience'> & { readonly issuer: string },
): Promise<ParsedToken> {
  const { token, issuer, discovery, development = false } = check
  const parsed = parseToken(token, [typ], { development })
  checkIssuer(parsed, issuer)
  await proveIssuer(parsed, await findIssuerKey(parsed, discovery), discovery)
  return parsed
}

function checkIssuer({ typ, iss }: ParsedToken, expected: string): void {
  if (iss === expected) return
  throw invalidToken('token_issuer_wrong', {
    typ,
    cause: { expected, received: iss },
  })
}
