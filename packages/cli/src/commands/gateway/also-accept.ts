import { guardedFetcher } from '@countersign/discovery/node'
import { UsageError } from '@countersign/fetch/internal'
import { type Bearer, bearer, type WebBot, webBot } from '@countersign/resource'
import { defined } from '../../flags/defined.js'
import { accessTokens, type OAuthIssuer } from './access-tokens.js'

/** What a route takes beside AAuth, as the settings say it. */
export interface BesideSettings {
  readonly oauth?:
    | {
        readonly issuers: readonly OAuthIssuer[]
        readonly realm?: string | undefined
        readonly resourceMetadata?: string | undefined
      }
    | undefined
  readonly bots?: readonly string[] | undefined
}

/** What a route takes beside AAuth, by kind. */
export interface Beside {
  readonly oauth?: Bearer | undefined
  readonly bots?: WebBot | undefined
}

/** Opens what the settings name: once for all routes that say the same, so that they share the keys of issuers. */
export type OpenBeside = (settings: BesideSettings) => Beside

/**
 * @param o.now Unix seconds
 * @throws UsageError, by the function that is returned, for issuers that cannot be told apart, and keys that are not fetched by https
 */
export function besideOpener(o: { readonly development?: boolean; readonly now?: () => number } = {}): OpenBeside {
  const { development = false, now = () => Date.now() / 1000 } = o
  const parts = { now, fetcher: guardedFetcher({ dangerouslyAllowLoopback: development }) }
  // bound: settings that the operator has loaded, one each time they change; grown by the program
  const opened = new Map<string, Beside>()
  return settings => {
    const key = JSON.stringify(settings)
    const found = opened.get(key)
    if (found !== undefined) return found
    const { oauth, bots } = settings
    if (oauth !== undefined) checkIssuers(oauth.issuers, development)
    const made = {
      oauth: oauth && bearer(accessTokens(oauth.issuers, parts), bearerOptions(oauth)),
      bots: bots && webBot({ bots: bots.join() === 'any' ? 'any' : bots }),
    }
    opened.set(key, made)
    return made
  }
}

function checkIssuers(issuers: readonly OAuthIssuer[], development: boolean): void {
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length)
    throw new UsageError('alsoAccept: two of the OAuth issuers are the same')
  for (const { issuer, jwks, jwksUri } of issuers) {
    if ((jwks === undefined) === (jwksUri === undefined))
      throw new UsageError(`alsoAccept: the OAuth issuer ${issuer} needs either jwksUri or jwks`)
    if (jwksUri !== undefined && !development && !jwksUri.startsWith('https:'))
      throw new UsageError(`alsoAccept: jwksUri of the OAuth issuer ${issuer} must be an https URL`)
  }
}

function bearerOptions({ realm, resourceMetadata }: NonNullable<BesideSettings['oauth']>): Omit<Bearer, 'verify'> {
  return defined({ realm, resourceMetadata })
}

/** Both kinds, for a requirement; undefined where there is none. */
export function alsoAcceptOf({ oauth, bots }: Beside): ReadonlyArray<Bearer | WebBot> | undefined {
  const all = [oauth, bots].filter(one => one !== undefined)
  return all.length === 0 ? undefined : all
}
