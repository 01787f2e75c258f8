import { guardedFetcher } from '@countersign/discovery/node'
import { AAuthError, isSafeId } from '@countersign/protocol'
import { sweeper } from '../sweep.js'
import { checkOidcOptions } from './check-oidc-options.js'
import {
  type Admission,
  type Enrollment,
  type EnrollmentContext,
  type EnrollmentRequest,
  nameWithin,
  refusedEnrollment,
} from './enrollment.js'
import { type OidcKeys, oidcKeys } from './oidc-keys.js'
import { type OidcOptions, type OidcRule, oidcRule, refusedIssuer } from './oidc-rule.js'
import { checkOidcClaims, type OidcToken, parseOidcToken } from './oidc-token.js'
import { takeProof } from './used-proof.js'

/** Seconds for which a used token is remembered past its end: the clock of another instance may be behind. */
const skew = 300

interface ReadyRule extends OidcRule {
  readonly keys: OidcKeys
}

/**
 * Enrolment by the token of an OpenID issuer that already knows the workload, `{"type":"oidc","token":"…"}`: Kubernetes service
 * accounts, CI jobs, SPIFFE JWT-SVIDs. A token enrols once. A delegate that enrols again has the new key from then on.
 * @throws TypeError, when the server is created, for a rule that is not well-formed or would admit anyone
 * @see protocol §5 "Enrolment"
 */
export function oidc(options: OidcOptions): Enrollment {
  checkOidcOptions(options)
  return {
    type: 'oidc',
    open(context) {
      const rules = readyRules(options, context)
      const sweep = sweeper(context.store, 'agent_server_used_proofs', context.now)
      return async request => {
        const admission = await admissionBy(rules, request, context)
        await sweep()
        return admission
      }
    },
  }
}

function readyRules(
  { issuers, fetcher }: OidcOptions,
  { development, now, onEvent }: EnrollmentContext,
): readonly ReadyRule[] {
  if (issuers.length === 0) throw new TypeError('issuers must hold at least one rule')
  const fetching = { now, fetcher: fetcher ?? guardedFetcher({ dangerouslyAllowLoopback: development }) }
  const rules = issuers.map(issuer => {
    const onGarbage = () => onEvent({ type: 'alarm', reason: 'issuer-garbage', issuer: issuer.issuer })
    return { ...oidcRule(issuer, { development }), keys: oidcKeys(issuer, { ...fetching, onGarbage }) }
  })
  if (new Set(rules.map(({ name }) => name)).size !== rules.length)
    throw new TypeError('two rules for issuers have one name; give each its own')
  return rules
}

async function admissionBy(
  rules: readonly ReadyRule[],
  request: EnrollmentRequest,
  { now }: EnrollmentContext,
): Promise<Admission> {
  const token = parseOidcToken(request.members['token'])
  const { rule, sub, expires } = ruleFor(token, rules, { request, now: now() })
  await rule.keys.verify(token.token, [token.algorithm]).catch((error: unknown) => {
    throw refusedIssuer(error)
  })
  return {
    sub,
    enrollment: nameWithin('oidc', rule.name),
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

/** All that can be told without a key, before one is fetched: a stranger's token costs us nothing. */
function ruleFor(
  token: OidcToken,
  rules: readonly ReadyRule[],
  o: { readonly request: EnrollmentRequest; readonly now: number },
): { readonly rule: ReadyRule; readonly sub: string; readonly expires: number } {
  let refusal: AAuthError = refusedEnrollment('iss of the token is no issuer that enrols here')
  for (const rule of rules.filter(({ issuer }) => issuer === token.issuer)) {
    try {
      if (!rule.algorithms.includes(token.algorithm)) throw refusedEnrollment('alg of the token is none that counts')
      const bound = `${o.request.endpoint}#${o.request.jkt}`
      const audiences = rule.audience === undefined ? [bound] : [bound, rule.audience]
      const expires = checkOidcClaims(token.claims, { audiences, now: o.now })
      const sub = nameWithin('oidc', `${rule.name}#${rule.delegateOf(token.claims)}`)
      if (!isSafeId(sub)) throw refusedEnrollment('the claims that name the delegate hold what no name may')
      return { rule, sub, expires }
    } catch (error) {
      if (!(error instanceof AAuthError)) throw error
      refusal = error
    }
  }
  throw refusal
}
