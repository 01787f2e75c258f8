import { type Conditions, parseConditions } from '@countersign/conditions'
import type { Directory } from '@countersign/discovery'
import { type Act, parseScope, parseToken } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'
import { verifyAuthToken } from '@countersign/verify'
import { asRequestFault } from '../grant/request-fault.js'

/** The claims of a verified upstream token, without the token. */
export interface Upstream {
  readonly iss: string
  /** `sub` of the user at its issuer; absent for a token without a user. */
  readonly sub?: string | undefined
  readonly scope: readonly string[]
  /** Unix seconds. */
  readonly exp: number
  readonly txn?: string | undefined
  /** The grant that the token belongs to, as its issuer names it. */
  readonly grant?: string | undefined
  readonly purposes?: readonly string[] | undefined
  /** They travel on. */
  readonly constraints?: Conditions | undefined
  /** `act` of the token to issue: the agent of the upstream token, and below it the chain of that token. */
  readonly act: Act
}

/** What the checks need. */
export interface UpstreamContext {
  /** The caller: it must be the audience of the token. */
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
 * Verifies an upstream token. Its `cnf` is the key of the agent that called the middle, so it proves nothing about this caller.
 * @throws AAuthError `invalid_auth_token`, `untrusted_issuer`, `discovery_failed` (400, or 503 when unreachable), `policy_denied`
 * @see protocol §7
 */
export function verifyUpstreamToken(token: string, context: UpstreamContext): Promise<Upstream> {
  return asRequestFault(verifyUpstream(token, context))
}

async function verifyUpstream(token: string, context: UpstreamContext): Promise<Upstream> {
  const { caller, issuers, directory, now, development } = context
  const { iss, payload } = parseToken(token, ['auth+jwt'], { development })
  // SSRF: the token is not verified yet, and names any host it likes. Nothing is fetched before this check.
  if (!issuers.has(iss)) {
    throw refusal('issuer_untrusted', { about: 'no exchange rule has this upstream' })
  }
  const claims = await verifyAuthToken({ token, issuer: iss, audience: caller, discovery: directory, now, development })
  const { agent, agent_delegate, sub, exp, txn, grant } = claims
  const scope = claims.scope === undefined ? [] : parseScope(claims.scope)
  // A condition that is not understood here cannot be passed on: `null` is a wrong list, not an absent one.
  const constraints = 'constraints' in claims ? parseConditions(claims.constraints, { development }) : undefined
  // A token that only signs a user in allows nothing to be done for them.
  if (agent === undefined || scope.length === 0) {
    throw refusal('token_not_exchangeable')
  }
  return {
    iss,
    sub,
    scope,
    exp,
    txn,
    grant,
    purposes: claims.purposes?.split(' '),
    constraints,
    act: {
      iss,
      agent,
      ...(agent_delegate === undefined ? {} : { agent_delegate }),
      // Unchanged: only its shape is checked, and its issuer vouches for the rest.
      ...(claims.act === undefined ? {} : { act: payload['act'] as Act }),
    },
  }
}

/** A directory that knows this server's own keys: a server must not have to reach itself. */
export function withOwnKeys(o: {
  readonly issuer: string
  readonly keys: Pick<OwnKeys, 'verifyKey'>
}): (directory: Pick<Directory, 'key'>) => Pick<Directory, 'key'> {
  return directory => ({
    key: async (document, id, kid, failed) =>
      document === 'aauth-issuer' && id === o.issuer ? o.keys.verifyKey(kid) : directory.key(document, id, kid, failed),
  })
}
