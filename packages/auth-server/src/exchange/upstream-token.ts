import type { Directory } from '@countersign/discovery'
import { importVerifyKey, type VerifyKey } from '@countersign/httpsig'
import { AAuthError, type Act, type PublishedKey, parseScope, parseToken } from '@countersign/protocol'
import { verifyAuthToken } from '@countersign/verify'
import { grantIn } from '../grant/auth-token.js'
import { ofRequest } from '../request-fault.js'
import type { RequestRow } from '../tables.js'

/** A mandate that would be passed on: what a verified upstream token says, without the token. */
export interface Upstream {
  readonly iss: string
  /** The user, as its issuer calls them; absent where it is nobody's. */
  readonly sub?: string | undefined
  readonly scope: readonly string[]
  /** Unix seconds. */
  readonly exp: number
  readonly txn?: string | undefined
  /** Names the grant of ours that it began with, where the token is our own and says so. */
  readonly grant?: string | undefined
  /** What the issued token will say of who asked: its agent, and below it the chain it came by, as it came. */
  readonly act: Act
}

/** What checking needs to know. */
export interface UpstreamContext {
  /** Who exchanges: the token must have been for them. */
  readonly caller: string
  /** This auth server. */
  readonly issuer: string
  readonly issuers: ReadonlySet<string>
  /** With what is left of this request's fetch budget. */
  readonly directory: Pick<Directory, 'key'>
  readonly now: number
  readonly development: boolean
}

/**
 * Verifies an upstream token. Its `cnf` is the key of whoever called the middle, and proves nothing here.
 * @throws AAuthError `invalid_auth_token`, `untrusted_issuer`, `discovery_failed` (400, or 503 when unreachable), `policy_denied`
 * @see protocol §7
 */
export function verifyUpstreamToken(token: string, context: UpstreamContext): Promise<Upstream> {
  return ofRequest(verified(token, context))
}

async function verified(token: string, context: UpstreamContext): Promise<Upstream> {
  const { caller, issuer, issuers, directory, now, development } = context
  const { iss, payload } = parseToken(token, ['auth+jwt'], { development })
  // Before anything is fetched: a stranger's token names any host it likes.
  if (!issuers.has(iss)) {
    throw new AAuthError('untrusted_issuer', 'iss of upstream_token is not an issuer that exchanges are taken from')
  }
  const claims = await verifyAuthToken({ token, issuer: iss, audience: caller, discovery: directory, now, development })
  const { agent, agent_delegate, sub, exp, txn, jti } = claims
  const scope = claims.scope === undefined ? [] : parseScope(claims.scope)
  // What signs a user in at the middle says who they are, not that anything may be done for them.
  if (agent === undefined || scope.length === 0) {
    throw new AAuthError('invalid_auth_token', 'upstream_token has no agent or no scope: it is no mandate')
  }
  // Another issuer's token names no grant of ours, whatever it is called.
  const grant = iss === issuer ? grantIn(jti) : undefined
  return {
    iss,
    sub,
    scope,
    exp,
    txn,
    grant,
    act: {
      iss,
      agent,
      ...(agent_delegate === undefined ? {} : { agent_delegate }),
      // As it came: what was checked is its shape, and what it says is its issuer's word.
      ...(claims.act === undefined ? {} : { act: payload['act'] as Act }),
    },
  }
}

/** A directory that looks the own issuer's keys up at home: a server must not have to reach itself. */
export function knowingOwnKeys(o: {
  readonly issuer: string
  readonly keys: readonly PublishedKey[]
}): (directory: Pick<Directory, 'key'>) => Pick<Directory, 'key'> {
  const own = new Map<string, Promise<VerifyKey>>()
  const find = (kid: string): Promise<VerifyKey> | undefined => {
    const jwk = o.keys.find(entry => entry.kid === kid)?.key.publicJwk
    if (jwk === undefined) return undefined
    const key = own.get(kid) ?? importVerifyKey(jwk)
    own.set(kid, key)
    return key
  }
  return directory => ({
    key: async (document, id, kid, failed) =>
      document === 'aauth-issuer' && id === o.issuer ? find(kid) : directory.key(document, id, kid, failed),
  })
}

/** The mandate that a request would pass on; undefined where it is no exchange. */
export function upstreamOf({ upstream }: Pick<RequestRow, 'upstream'>): Upstream | undefined {
  return upstream === null ? undefined : (JSON.parse(upstream) as Upstream)
}
