import type { Fetcher } from '@countersign/discovery'
import { AAuthError, isObject } from '@countersign/protocol'
import { claimPattern } from './claim-pattern.js'
import { refusedEnrollment } from './enrollment.js'
import type { Claims } from './oidc-token.js'

/** Signature algorithms of OIDC tokens, all with a public key. */
export type OidcAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'EdDSA'
  | 'Ed25519'

/** What a claim must be: exactly this, or one of these. Strings may have wildcards, see {@link OidcIssuer.subjects}. */
export type ClaimRule = string | number | boolean | ReadonlyArray<string | number | boolean>

/** Which tokens of one OpenID issuer enrol, and as whom. */
export interface OidcIssuer {
  /** Its `iss`, exactly: an https URL without query or fragment, e.g. `https://token.actions.githubusercontent.com`. */
  readonly issuer: string
  /**
   * Names what its delegates came by, `oidc:NAME`, and stands in their `sub`, `oidc:NAME#…`. No `#`, 1 to 128 characters.
   * Default: the issuer. Two rules for one issuer need names.
   */
  readonly name?: string
  /**
   * The `sub` claims that enrol. Each pattern is compared whole: `*` stands for one or more characters but `/` and `:`, a `**`
   * at the end for one or more of any. A pattern begins with something else than a wildcard, and has at most 4.
   */
  readonly subjects: readonly string[]
  /**
   * More claims that must be there, each by its name or by a JSON Pointer such as `/kubernetes.io/namespace`.
   * @see RFC 6901
   */
  readonly claims?: Readonly<Record<string, ClaimRule>>
  /**
   * The one audience of its tokens, for an issuer that gives no other. Default: the token names the new key, its audience is
   * `delegate_token_endpoint` + `#` + RFC 7638 thumbprint; then a token that was stolen enrols nobody else.
   */
  readonly audience?: string
  /**
   * The claims that together name one delegate, by name or JSON Pointer. Default `['sub']`. Where many instances have one `sub`
   * (the pods of a deployment, the runs of a pipeline), add what tells them apart, or each enrolment ends the one before.
   */
  readonly delegate?: readonly string[]
  /** Default: RS256, PS256, ES256, ES384, EdDSA and Ed25519. */
  readonly algorithms?: readonly OidcAlgorithm[]
  /** Where its keys are, when it has no `/.well-known/openid-configuration` that can be reached. */
  readonly jwksUri?: string
  /** Its keys themselves: nothing is fetched. For an issuer inside a private network. */
  readonly jwks?: { readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>> }
}

/** How {@link oidc} enrols. */
export interface OidcOptions {
  /** Whose tokens enrol whom. Several rules may be for one issuer: the first that admits a token decides. */
  readonly issuers: readonly OidcIssuer[]
  /** Default `guardedFetcher()`: public addresses only. For an issuer inside a private network give its keys as `jwks`. */
  readonly fetcher?: Fetcher
}

/** A rule, checked and made ready. */
export interface OidcRule {
  readonly issuer: string
  readonly name: string
  readonly audience: string | undefined
  readonly algorithms: readonly string[]
  /** Names the delegate of a token. @throws AAuthError `invalid_grant` when the rule does not admit its claims */
  delegateOf(claims: Claims): string
}

const knownAlgorithms: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519'],
]
const usualAlgorithms: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']

/** Reads what an operator wrote. @throws TypeError that names the option at fault */
export function oidcRule(options: OidcIssuer, { development }: { readonly development: boolean }): OidcRule {
  const { issuer, name = issuer, audience, algorithms = usualAlgorithms, subjects, claims = {} } = options
  if (!isIssuer(issuer, development)) throw new TypeError('issuer must be an https URL without query and fragment')
  if (!/^[^#\p{Cc}\p{Cs}]{1,128}$/u.test(name))
    throw new TypeError('name of an issuer must have 1 to 128 characters, no # and no controls')
  if (audience === '') throw new TypeError('audience must not be empty')
  if (algorithms.length === 0 || !algorithms.every(algorithm => knownAlgorithms.includes(algorithm)))
    throw new TypeError(`algorithms must be some of ${knownAlgorithms.join(', ')}`)
  if (subjects.length === 0) throw new TypeError('subjects must hold at least one pattern: without it nobody enrols')
  const { jwksUri, jwks, delegate = ['sub'] } = options
  if (jwksUri !== undefined && jwks !== undefined) throw new TypeError('give jwksUri or jwks, not both')
  if (jwksUri !== undefined && !isPlace(jwksUri, development)) throw new TypeError('jwksUri must be an https URL')
  if (delegate.length === 0) throw new TypeError('delegate must name at least one claim')
  const rules: ReadonlyMap<string, ReadonlyArray<(value: unknown) => boolean>> = new Map([
    ['sub', subjects.map(pattern => matcher(pattern))],
    ...Object.entries(claims).map(([claim, rule]) => [claim, [rule].flat().map(value => matcher(value))] as const),
  ])
  if ('sub' in claims) throw new TypeError('the sub claim is ruled by subjects')
  return {
    issuer,
    name,
    audience,
    algorithms,
    delegateOf(of) {
      for (const [claim, allowed] of rules) {
        const value = claimAt(of, claim)
        // One description for all: who probes learns which claim an operator looks at from nobody.
        if (!allowed.some(matches => matches(value)))
          throw refusedEnrollment('sub or another claim of the token is none that enrols', { claim, value })
      }
      return delegate.map(claim => partOf(of, claim)).join('|')
    },
  }
}

/** Values side by side without ever meaning the same as two others. A single one stays as it is. */
function partOf(claims: Claims, claim: string): string {
  const value = claimAt(claims, claim)
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text === '')
    throw refusedEnrollment('the token lacks a claim that names the delegate', { claim })
  return text.replace(/[%|]/g, char => encodeURIComponent(char))
}

/** The value of a claim, by name or by JSON Pointer; own members only. */
function claimAt(claims: Claims, claim: string): unknown {
  const path = claim.startsWith('/')
    ? claim
        .slice(1)
        .split('/')
        .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [claim]
  return path.reduce<unknown>((value, name) => {
    return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }, claims)
}

/** One value as it must be. @throws TypeError for a pattern that would admit what nobody named */
function matcher(rule: string | number | boolean): (value: unknown) => boolean {
  if (typeof rule !== 'string') return value => value === rule
  const matches = claimPattern(rule)
  return value => typeof value === 'string' && matches(value)
}

/** An issuer is a name that is compared and a place that is asked: both must mean one thing. */
function isIssuer(url: string, development: boolean): boolean {
  if (url.length > 256 || /[?#\s]/.test(url) || !isPlace(url, development)) return false
  const { href } = new URL(url)
  return href === url || href === `${url}/`
}

function isPlace(url: string, development: boolean): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname, username, password } = new URL(url)
  if (username !== '' || password !== '') return false
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (development && protocol === 'http:' && isLoopback)
}

/** The issuer's documents are not there or wrong: the caller's request is no better for being signed anew. */
export function refusedIssuer(error: unknown): unknown {
  if (!(error instanceof AAuthError) || error.code !== 'discovery_failed' || error.status !== 401) return error
  return new AAuthError('discovery_failed', error.description, { status: 400, cause: error.cause })
}
