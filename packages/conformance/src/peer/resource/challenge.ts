import { createHash, randomUUID } from 'node:crypto'
import { signToken } from '../../signing/token.js'
import type { Caller } from '../shared/caller.js'
import { wordsOf } from '../shared/identifier.js'
import type { JsonObject } from '../shared/json.js'
import type { Refusal } from '../shared/refusal.js'
import type { Signature } from '../shared/signature.js'
import { judgeConditions, readConditions } from './conditions.js'
import type { Site } from './site.js'

/** Scopes that are answered by claims about the user, and those claims. */
const identityClaims: Readonly<Record<string, string>> = {
  openid: 'sub',
  profile: 'name',
  email: 'email',
  address: 'address',
  phone: 'phone_number',
}

/** Whether a token grants a scope. @see protocol §4 */
export function isGranted(scope: string, claims: JsonObject): boolean {
  const claim = identityClaims[scope]
  if (claim !== undefined) return claims[claim] !== undefined
  return wordsOf(claims['scope'])?.includes(scope) === true
}

/** What a presented token held and what is missing. */
export function unionScope(needed: readonly string[], claims: JsonObject): string {
  const identity = Object.keys(identityClaims).filter(name => name !== 'openid' && isGranted(name, claims))
  return [...new Set([...(wordsOf(claims['scope']) ?? []), ...identity, ...needed])].join(' ')
}

/** What a resource token says beside who it is for. */
export interface Asked {
  readonly scope: string
  readonly authServer: string
  /** Of a request that a user is to approve: `sub` and `operation`. */
  readonly more?: JsonObject
}

/** Issues a resource token to a verified caller. @see protocol §5 */
export function resourceToken(caller: Caller, site: Site, { scope, authServer, more }: Asked): string {
  const iat = Math.floor(site.now())
  return signToken({
    header: { typ: 'resource+jwt', alg: site.key.alg, kid: site.kid },
    claims: {
      iss: site.id,
      aud: authServer,
      agent: caller.agent,
      agent_delegate: caller.delegate,
      agent_jkt: caller.key.thumbprint,
      scope,
      iat,
      exp: iat + 300,
      jti: randomUUID(),
      ...more,
    },
    key: site.key,
  })
}

/** Judges a delegation as far as it bounds what may be asked for. @see protocol §9.1 */
export function judgeDelegation({ claims = {}, level }: Caller, site: Site, scopes: readonly string[]): void {
  if (level !== 'identified') return
  const conditions = readConditions(claims['delegation'], true)
  judgeConditions(conditions, { now: site.now(), self: site.id, scopes, claims }, [
    'until',
    'hours',
    'resources',
    'scopes',
  ])
}

/** The challenge for an auth token. The same request gets the same resource token again. */
export function tokenChallenge(
  refusal: Refusal,
  {
    signature,
    caller,
    site,
    asked,
  }: { signature: Signature; caller: Caller; site: Site; asked: Omit<Asked, 'authServer'> },
): Refusal {
  const issuer = caller.level === 'authorized' ? caller.claims?.['iss'] : undefined
  const authServer = issuer === undefined ? (site.authServers[0] ?? '') : String(issuer)
  judgeDelegation(caller, site, asked.scope.split(' '))
  const name = `${caller.key.thumbprint} ${createHash('sha256').update(signature.base).digest('base64url')}`
  const token = site.issued.get(name) ?? resourceToken(caller, site, { ...asked, authServer })
  site.issued.set(name, token)
  const challenge = `httpsig;auth-token;resource_token="${token}";auth_server="${authServer}"`
  return refusal.with({ headers: { 'agent-auth': challenge } })
}
