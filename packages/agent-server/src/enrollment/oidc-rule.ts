import type { Fetcher } from '@countersign/discovery'
import { AAuthError } from '@countersign/protocol'
import { isObject, refusal, restated } from '@countersign/protocol/internal'
import type { Delegation } from '../delegation/delegation.js'
import { claimPattern } from './claim-pattern.js'
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

/** The value of a claim, or a list of values of which it must be one. Strings may have wildcards, see {@link OidcIssuer.subjects}. */
export type ClaimRule = string | number | boolean | ReadonlyArray<string | number | boolean>

/** Which tokens of one OpenID issuer enrol, and as which delegate. */
export interface OidcIssuer {
  /** Its exact `iss`: an https URL without query or fragment, e.g. `https://token.actions.githubusercontent.com`. */
  readonly issuer: string
  /**
   * Names the enrolment of its delegates, `oidc:NAME`, and begins their `sub`, `oidc:NAME#…`: 1 to 128 characters, no `#`.
   * Default: the issuer. Two rules for one issuer need names.
   */
  readonly name?: string
  /**
   * The `sub` claims that enrol. Each pattern must match the whole value: `*` matches one or more characters except `/` and `:`,
   * a `**` at the end matches one or more of any characters. A pattern must not begin with a wildcard, and has at most 4.
   */
  readonly subjects: readonly string[]
  /**
   * More claims that a token must have, each by its name or by a JSON Pointer such as `/kubernetes.io/namespace`.
   * @see RFC 6901
   */
  readonly claims?: Readonly<Record<string, ClaimRule>>
  /**
   * The audience of its tokens, for an issuer that cannot set one per token. Default: the audience names the new key, as
   * `delegate_token_endpoint` + `#` + RFC 7638 thumbprint, so that a stolen token cannot enrol another key.
   */
  readonly audience?: string
  /**
   * The claims that together name one delegate, by name or JSON Pointer. Default `['sub']`. Where many instances have the same
   * `sub` (the pods of a deployment, the runs of a pipeline), add a claim that differs, or each enrolment ends the one before.
   */
  readonly delegate?: readonly string[]
  /** Default: RS256, PS256, ES256, ES384, EdDSA and Ed25519. */
  readonly algorithms?: readonly OidcAlgorithm[]
  /** The URL of its keys, where its `/.well-known/openid-configuration` cannot be reached. */
  readonly jwksUri?: string
  /** Its keys, for an issuer inside a private network: nothing is fetched. */
  readonly jwks?: { readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>> }
  /** What its delegates may be used for, and where. A change holds from their next enrolment. Default: no conditions. */
  readonly delegation?: Delegation
}

/** How {@link oidc} enrols. */
export interface OidcOptions {
  /** The rules. Several may be for one issuer: the first that admits a token decides. */
  readonly issuers: readonly OidcIssuer[]
  /** Default `guardedFetcher()`: public addresses only. For an issuer inside a private network give its keys as `jwks`. */
  readonly fetcher?: Fetcher
}

/** A rule that was checked and compiled. */
export interface OidcRule {
  readonly issuer: string
  readonly name: string
  readonly audience: string | undefined
  readonly algorithms: readonly string[]
  /** Names the delegate of a token. @throws AAuthError `invalid_grant` when the rule does not admit its claims */
  delegateOf(claims: Claims): string
}

const knownAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
]
const usualAlgorithms: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']

/** Checks and compiles a rule. @throws TypeError that names the wrong option */
export function readOidcRule(options: OidcIssuer, { development }: { readonly development: boolean }): OidcRule {
  const { issuer, name = issuer, audience, algorithms = usualAlgorithms, subjects, claims = {} } = options
  if (!isIssuer(issuer, development)) throw new TypeError('issuer must be an https URL without query and fragment')
  if (!/^[^#\p{Cc}\p{Cs}]{1,128}$/u.test(name))
    throw new TypeError('name of an issuer must have 1 to 128 characters, no # and no controls')
  if (audience === '') throw new TypeError('audience must not be empty')
  if (algorithms.length === 0 || !algorithms.every(algorithm => knownAlgorithms.includes(algorithm)))
    throw new TypeError(`algorithms must be some of ${knownAlgorithms.join(', ')}`)
  if (subjects.length === 0) throw new TypeError('subjects must hold at least one pattern')
  const { jwksUri, jwks, delegate = ['sub'] } = options
  if (jwksUri !== undefined && jwks !== undefined) throw new TypeError('give jwksUri or jwks, not both')
  if (jwksUri !== undefined && !isFetchable(jwksUri, development)) throw new TypeError('jwksUri must be an https URL')
  if (delegate.length === 0) throw new TypeError('delegate must name at least one claim')
  const rules: ReadonlyMap<string, ReadonlyArray<(value: unknown) => boolean>> = new Map([
    ['sub', subjects.map(pattern => matcher(pattern))],
    ...Object.entries(claims).map(([claim, rule]) => [claim, [rule].flat().map(value => matcher(value))] as const),
  ])
  if ('sub' in claims) throw new TypeError('claims must not hold sub: set subjects')
  return {
    issuer,
    name,
    audience,
    algorithms,
    delegateOf(of) {
      for (const [claim, allowed] of rules) {
        const value = readClaim(of, claim)
        // One text for all claims: an attacker must not learn which claims the operator checks.
        if (!allowed.some(matches => matches(value)))
          throw refusal('oidc_token_mismatched', { about: 'a claim', cause: { claim, value } })
      }
      return delegate.map(claim => encodeClaim(of, claim)).join('|')
    },
  }
}

/** Encodes one of the claims that name a delegate, so that joined claims are never equal to other ones. */
function encodeClaim(claims: Claims, claim: string): string {
  const value = readClaim(claims, claim)
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text === '')
    throw refusal('oidc_token_mismatched', {
      about: 'the claim that must name the delegate is missing',
      cause: { claim },
    })
  return text.replace(/[%|]/g, char => encodeURIComponent(char))
}

/** Reads a claim by its name or JSON Pointer; own members only. */
function readClaim(claims: Claims, claim: string): unknown {
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

/** Makes the check of one value. @throws TypeError for an invalid pattern */
function matcher(rule: string | number | boolean): (value: unknown) => boolean {
  if (typeof rule !== 'string') return value => value === rule
  const matches = claimPattern(rule)
  return value => typeof value === 'string' && matches(value)
}

/** An issuer is compared as a name and fetched as a URL: it must be in canonical form. */
function isIssuer(url: string, development: boolean): boolean {
  if (url.length > 256 || /[?#\s]/.test(url) || !isFetchable(url, development)) return false
  const { href } = new URL(url)
  return href === url || href === `${url}/`
}

function isFetchable(url: string, development: boolean): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname, username, password } = new URL(url)
  if (username !== '' || password !== '') return false
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'https:' || (development && protocol === 'http:' && isLoopback)
}

/** Makes a fault of the issuer's documents a 400: a new signature by the caller would not help, as a 401 would say. */
export function asIssuerFault(error: unknown): unknown {
  if (!(error instanceof AAuthError) || error.code !== 'discovery_failed' || error.status !== 401) return error
  return restated(error, { status: 400 })
}
