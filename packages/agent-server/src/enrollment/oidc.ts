import { guardedFetcher } from '@countersign/discovery/node'
import { AAuthError } from '@countersign/protocol'
import { isSafeId, refusal } from '@countersign/protocol/internal'
import { checkDelegation, type Delegation } from '../delegation/delegation.js'
import { sweeper } from '../sweep.js'
import { checkOidcOptions } from './check-oidc-options.js'
import {
  type Admission,
  type Enrollment,
  type EnrollmentContext,
  type EnrollmentRequest,
  qualifyName,
} from './enrollment.js'
import { type OidcKeys, oidcKeys } from './oidc-keys.js'
import { asIssuerFault, type OidcOptions, type OidcRule, readOidcRule } from './oidc-rule.js'
import { checkOidcClaims, type OidcToken, parseOidcToken } from './oidc-token.js'
import { takeProof } from './used-proof.js'

/** Seconds for which a used token is remembered after it has expired: the clock of another instance may be behind. */
const skew = 300

interface ReadyRule extends OidcRule {
  readonly keys: OidcKeys
  readonly delegation: Delegation | undefined
}

/**
 * Enrolment by the token of an OpenID issuer that knows the workload, `{"type":"oidc","token":"…"}`: Kubernetes service accounts,
 * CI jobs, SPIFFE JWT-SVIDs. A token enrols once. If a delegate enrols again, the new key replaces its key.
 * @throws TypeError, when the server is created, for a rule that is malformed or would admit any workload
 * @see protocol §5 "Enrolment"
 * @example
 * ```ts
 * import { createAgentServer, oidc } from '@countersign/agent-server'
 *
 * await createAgentServer({
 *   id: 'https://agent.example',
 *   database: 'sqlite:agent.db',
 *   enrollment: [
 *     oidc({
 *       issuers: [
 *         { issuer: 'https://token.actions.githubusercontent.com', subjects: ['repo:acme/agent:ref:refs/heads/main'] },
 *       ],
 *     }),
 *   ],
 * })
 * ```
 */
export function oidc(options: OidcOptions): Enrollment {
  checkOidcOptions(options)
  return {
    type: 'oidc',
    open(context) {
      const rules = prepareRules(options, context)
      const sweep = sweeper(context.store, 'agent_server_used_proofs', context.now)
      return async request => {
        const admission = await admitByToken(rules, request, context)
        await sweep()
        return admission
      }
    },
  }
}

function prepareRules(
  { issuers, fetcher }: OidcOptions,
  { development, delegations, now, onEvent }: EnrollmentContext,
): readonly ReadyRule[] {
  if (issuers.length === 0) throw new TypeError('issuers must hold at least one rule')
  const fetching = { now, fetcher: fetcher ?? guardedFetcher({ dangerouslyAllowLoopback: development }) }
  const rules = issuers.map(issuer => {
    const onGarbage = () => onEvent({ type: 'alarm', reason: 'issuer-garbage', issuer: issuer.issuer })
    const delegation = issuer.delegation && checkDelegation(issuer.delegation, delegations)
    return { ...readOidcRule(issuer, { development }), delegation, keys: oidcKeys(issuer, { ...fetching, onGarbage }) }
  })
  if (new Set(rules.map(({ name }) => name)).size !== rules.length)
    throw new TypeError('two rules for issuers have the same name')
  return rules
}

async function admitByToken(
  rules: readonly ReadyRule[],
  request: EnrollmentRequest,
  { now }: EnrollmentContext,
): Promise<Admission> {
  const token = parseOidcToken(request.members['token'])
  const { rule, sub, expires } = findRule(token, rules, { request, now: now() })
  await rule.keys.verify(token.token, [token.algorithm]).catch((error: unknown) => {
    throw asIssuerFault(error)
  })
  return {
    sub,
    enrollment: qualifyName('oidc', rule.name),
    delegation: rule.delegation,
    take: tx =>
      takeProof(tx, {
        hash: token.hash,
        sub,
        issued: Number(token.claims['iat']),
        expires: expires + skew,
        now: now(),
      }),
  }
}

/** Finds the rule that admits a token, by all checks that need no key: nothing is fetched for a token that fails one. */
function findRule(
  token: OidcToken,
  rules: readonly ReadyRule[],
  o: { readonly request: EnrollmentRequest; readonly now: number },
): { readonly rule: ReadyRule; readonly sub: string; readonly expires: number } {
  let last: AAuthError = refusal('oidc_issuer_untrusted')
  for (const rule of rules.filter(({ issuer }) => issuer === token.issuer)) {
    try {
      if (!rule.algorithms.includes(token.algorithm)) throw refusal('oidc_token_mismatched', { about: 'alg' })
      const bound = `${o.request.endpoint}#${o.request.jkt}`
      const audiences = rule.audience === undefined ? [bound] : [bound, rule.audience]
      const expires = checkOidcClaims(token.claims, { audiences, now: o.now })
      const sub = qualifyName('oidc', `${rule.name}#${rule.delegateOf(token.claims)}`)
      if (!isSafeId(sub))
        throw refusal('oidc_token_mismatched', {
          about: 'the claim that names the delegate has a character that names must not have',
        })
      return { rule, sub, expires }
    } catch (error) {
      if (!(error instanceof AAuthError)) throw error
      last = error
    }
  }
  throw last
}
