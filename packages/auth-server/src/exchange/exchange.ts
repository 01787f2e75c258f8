import type { Also } from '@countersign/audit/internal'
import type { Directory } from '@countersign/discovery'
import type { Store } from '@countersign/store'
import type { OwnKeys } from '@countersign/store/internal'
import { type RateLimit, rateLimit } from '../bound/rate-limit.js'
import type { ExchangeFacts } from '../event/event.js'
import { type ConsentKey, forgetConsent, noteConsentUse, type RememberedYes, rememberedYes } from '../grant/consents.js'
import { type Allowed, policyDenial } from '../grant/decide.js'
import { chainOf } from '../mandate/chain.js'
import type { Policy, PolicyRequest, UpstreamFacts } from '../policy/policy.js'
import { askPolicy, type PolicyJudgement } from '../policy/read-policy.js'
import type { Tables } from '../tables/tables.js'
import type { User } from '../users/users.js'
import { usersIn } from '../users/users.js'
import { type ExchangeOptions, type ExchangeRules, exchangeRules } from './exchange-rule.js'
import { type ExchangedGrants, exchangedGrantsIn } from './exchanged-grants.js'
import { type Links, linksIn } from './links.js'
import { type OwnMandates, ownMandatesIn } from './own-mandate.js'
import { type Upstream, withOwnKeys } from './upstream-token.js'

/** Exchanges of one upstream token by one caller: a middle that caches its tokens needs one for each downstream scope. */
const mostPerToken = { most: 60, seconds: 60 }

/** Questions to one upstream user that one caller may begin: all its users share its quota of waiting requests. */
const mostQuestions = { most: 32, seconds: 600 }

/** What exchanges are decided with. */
export interface ExchangeContext {
  readonly rules: ExchangeRules
  readonly limit: RateLimit
  /** By caller and upstream user: a caller must not use up the questions to users of other callers. */
  readonly questions: RateLimit
  readonly links: Links
  readonly ownMandates: OwnMandates
  readonly exchangedGrants: ExchangedGrants
  /** Issuers whose `sub` is one of this server: itself, and those that share its users. */
  readonly ownSubjects: ReadonlySet<string>
  readonly withOwnKeys: (directory: Pick<Directory, 'key'>) => Pick<Directory, 'key'>
  /** The user here that the upstream user is; undefined where none is known. */
  userOf(upstream: Upstream): Promise<User | undefined>
  /** Which of `scope` the user has allowed before, for exactly this chain; noted as a use. */
  remembered(key: ConsentKey, scope: readonly string[]): Promise<RememberedYes>
  forget(key: ConsentKey, scope: readonly string[], also?: Also): Promise<void>
  /** The stricter decision of rule and policy, under the conditions of the policy. @throws AAuthError `access_denied` */
  decide(request: PolicyRequest, rule: 'direct' | 'consent'): Promise<Allowed>
}

/** How the exchanges of an auth server are set up. */
export interface ExchangeSetup {
  readonly issuer: string
  readonly keys: OwnKeys
  readonly store: Store<Tables>
  /** Absent where the rules alone decide. */
  readonly policy: Policy | undefined
  readonly now: () => number
  readonly development: boolean
}

/** Puts together what exchanges are decided with. */
export function createExchange(options: ExchangeOptions, setup: ExchangeSetup): ExchangeContext {
  const { issuer, store, now, policy } = setup
  const links = linksIn(store, now)
  const users = usersIn(store, now)
  // bound: fixed
  const ownSubjects = new Set([issuer, ...(options.dangerouslySharedSubjects ?? [])])
  const ownMandates = ownMandatesIn(store, issuer, now)
  return {
    rules: exchangeRules(options.rules, setup),
    limit: rateLimit({ ...mostPerToken, now }),
    questions: rateLimit({ ...mostQuestions, now }),
    links,
    ownMandates,
    exchangedGrants: exchangedGrantsIn(store, now, { issuer, mandates: ownMandates }),
    ownSubjects,
    withOwnKeys: withOwnKeys(setup),
    async userOf({ iss, sub }) {
      if (sub === undefined) return undefined
      // Another issuer chooses its `sub` values freely: an equal one here is another user.
      const own = ownSubjects.has(iss) ? sub : await links.find({ iss, sub })
      return own === undefined ? undefined : ((await users.serve(own)) ?? { sub: own, claims: {} })
    },
    async remembered(key, scope) {
      const held = await rememberedYes(store.db, key, { scope, now: now() })
      if (held.scope.length === scope.length) await noteConsentUse(store, key, { scope, now: now() })
      return held
    },
    forget: (key, scope, also) =>
      store.write(async tx => {
        await forgetConsent(tx, key, scope)
        await also?.(tx)
      }),
    decide: (request, rule) => decide(request, { rule, policy }),
  }
}

async function decide(
  request: PolicyRequest,
  { rule, policy }: { readonly rule: 'direct' | 'consent'; readonly policy: Policy | undefined },
): Promise<Allowed> {
  const said: PolicyJudgement =
    policy === undefined ? { decision: rule, conditions: [] } : await askPolicy(policy, request)
  if (said.decision === 'deny') throw policyDenial(request)
  return { ...said, decision: said.decision === 'consent' ? 'consent' : rule }
}

/** The upstream token, for a policy. */
export function upstreamFacts({ iss, sub, scope, act }: Upstream): UpstreamFacts {
  return { issuer: iss, ...(sub === undefined ? {} : { sub }), scope, chain: chainOf(act) }
}

/** The upstream token, for an event. */
export function exchangeFacts({ iss, sub, act }: Upstream): ExchangeFacts {
  return { issuer: iss, ...(sub === undefined ? {} : { sub }), chain: chainOf(act) }
}
