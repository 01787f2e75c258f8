import { checkOptions, each } from '@countersign/protocol/internal'
import type { OAuthApi, OAuthOwner, OAuthTokenSet, OAuthTokens } from './oauth.js'
import { sealWith } from './sealed.js'
import { type KeptTokens, openTokenRows, type TokenPlace, type TokenRows } from './token-rows.js'

/** How tokens of OAuth APIs are kept. */
export interface OAuthTokensOptions {
  /** Store URL: `sqlite:FILE` or `postgres://…`. */
  readonly database: string
  /**
   * Keys of 32 bytes: the first encrypts, all decrypt. Keep them outside the database. To replace a key, put the new one
   * first: used tokens are encrypted again, unused ones are deleted, so you can remove the old key after `forgetAfterDays`.
   * If several processes share the database, first give the new key to all of them as the last one.
   */
  readonly encryptionKeys: readonly Uint8Array[]
  /** Days after its last use until a token is forgotten, and revoked at its provider. Default 90. */
  readonly forgetAfterDays?: number
  /** Unix seconds. */
  readonly now?: () => number
}

/** A token that ends within these seconds is refreshed first: it has a way to go. */
const early = 30
const sweepEvery = 60
const day = 86_400

/**
 * Opens where tokens of OAuth APIs are kept.
 * @throws TypeError when a key has not 32 bytes; StoreError when the database cannot be opened
 * @see protocol §7
 */
export async function oauthTokens(options: OAuthTokensOptions): Promise<OAuthTokens> {
  checkOptions(
    'oauthTokens',
    options,
    { database: 'string', encryptionKeys: each('object'), forgetAfterDays: 'number', now: 'function' },
    ['database', 'encryptionKeys'],
  )
  const { database, encryptionKeys, now = () => Date.now() / 1000, forgetAfterDays = 90 } = options
  if (!(forgetAfterDays > 0)) throw new TypeError('forgetAfterDays must be above 0')
  const seal = sealWith(encryptionKeys)
  const rows = await openTokenRows(database, seal, now)
  const refresh = refreshing(rows, now)
  const sweep = sweeping(rows, now, forgetAfterDays * day)
  const inTime = ({ expires }: KeptTokens): boolean => expires === undefined || expires > now() + early
  const placeOf = (api: OAuthApi, owner: OAuthOwner): TokenPlace => {
    const { name, before } = seal.names(nameOf(owner))
    return { owner: name, before, api: api.id }
  }
  return {
    async accessToken(api, owner) {
      const place = placeOf(api, owner)
      // No request waits for it, and the next sweep removes the rest.
      sweep(api).catch(() => undefined)
      const kept = await rows.read(place)
      if (kept === undefined) return undefined
      if (!inTime(kept)) return (await refresh(api, place, inTime))?.access_token
      // Once a day is enough to know that the tokens are still used.
      if (kept.lastUsed < now() - day) await rows.touch(place)
      return kept.access_token
    },
    // What it replaces is not revoked: at many providers that would end the new one, too.
    keep: (api, owner, tokens) => rows.write(placeOf(api, owner), keptOf(tokens, now())),
    async renew(api, owner, refused) {
      return (await refresh(api, placeOf(api, owner), kept => kept.access_token !== refused))?.access_token
    },
    async forget(api, owner) {
      const removed = await rows.remove(placeOf(api, owner))
      await Promise.all(removed.map(kept => api.revoke(kept)))
    },
    close: () => rows.close(),
  }
}

/** A JSON array: no name in it can reach into another's. */
function nameOf({ user, agent, delegate, chain = [] }: OAuthOwner): string {
  const hops = chain.map(hop => [hop.iss, hop.agent, hop.agent_delegate ?? null])
  return JSON.stringify([user.iss, user.sub, agent, delegate ?? null, ...hops])
}

type Refresh = (
  api: OAuthApi,
  place: TokenPlace,
  works: (kept: KeptTokens) => boolean,
) => Promise<KeptTokens | undefined>

/** Refreshes in one flight: a provider that rotates refresh tokens takes a second use of one for theft. */
function refreshing(rows: TokenRows, now: () => number): Refresh {
  // bound: requests under way; bytes: small; grown by a stranger; shared: one for each user and API; filled by
  // oauth-tokens.test.ts "is refreshed once, however many ask"
  const flights = new Map<string, Promise<KeptTokens | undefined>>()
  const refresh: Refresh = async (api, place, works) => {
    // Read again: another request may have refreshed the tokens already.
    const kept = await rows.read(place)
    if (kept === undefined || works(kept)) return kept
    const fresh = await api.refresh(kept)
    const next = fresh === undefined ? undefined : keptOf(fresh, now())
    // Replace only the tokens that were refreshed: tokens forgotten meanwhile must not return, and those of a new consent must stay.
    if (await rows.replace(place, kept, next)) return next
    const other = await rows.read(place)
    if (other === undefined && fresh !== undefined) await api.revoke(fresh)
    return other !== undefined && works(other) ? other : undefined
  }
  return (api, place, works) => {
    const name = `${place.api} ${place.owner}`
    const flight = flights.get(name) ?? refresh(api, place, works).finally(() => flights.delete(name))
    flights.set(name, flight)
    return flight
  }
}

/** Removes tokens that were not used for long, once a minute and a few at a time. */
function sweeping(rows: TokenRows, now: () => number, forgetAfter: number): (api: OAuthApi) => Promise<void> {
  // bound: APIs of the program; grown by the program
  const next = new Map<string, number>()
  return async api => {
    if (now() < (next.get(api.id) ?? 0)) return
    next.set(api.id, now() + sweepEvery)
    for (const kept of await rows.removeUnused(api.id, now() - forgetAfter)) await api.revoke(kept)
  }
}

function keptOf({ access_token, refresh_token, expires_in }: OAuthTokenSet, now: number): KeptTokens {
  return {
    access_token,
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(expires_in === undefined ? {} : { expires: now + expires_in }),
  }
}
