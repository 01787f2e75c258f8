import type { VerifyKey } from '@countersign/httpsig'
import { botDirectoryType } from '@countersign/protocol/internal'
import { botKeys } from './bot-keys.js'
import { checkDiscoveryOptions, type DiscoveryOptions, sharedParts } from './discovery-options.js'
import { type FetchCaller, fetchBudget } from './fetch-budget.js'
import { createParticipants } from './participants.js'

/** Looks up the keys that bots publish (Web Bot Auth). @see protocol §3.8 */
export interface BotDirectory {
  /**
   * The key with this thumbprint in the directory of a bot. A directory is fetched once for all callers that ask, and again at most once
   * in 30 s for a thumbprint that it lacks.
   * @param bot the origin of the directory
   * @param keyid the JWK SHA-256 thumbprint of the key
   * @param caller the network whose share of the fetches it takes
   * @returns undefined when the directory has no such key, or no valid signature of its response with that key
   * @throws AAuthError `discovery_failed`: 401 when the directory is missing or wrong, 503 with `retryAfter` when its host does not answer
   */
  key(bot: string, keyid: string, caller?: FetchCaller): Promise<VerifyKey | undefined>
  /** Removes the keys of a bot from the cache, for example because one of them was stolen. */
  purge(bot: string): void
}

/** One for the directory, and one more where it lacks the key. */
const fetchesPerRequest = 2

/**
 * Makes a {@link BotDirectory} with a cache and fetch slots of its own, under the same bounds and shares as those of `createDiscovery`.
 * A `fetcher` of your own must read `application/http-message-signatures-directory+json` and return the header lines.
 * @throws RangeError, TypeError as `createDiscovery` does
 * @see protocol §3.8, §10
 * @example
 * ```ts
 * import { createBotDirectory } from '@countersign/discovery'
 *
 * const directory = createBotDirectory({ onEvent: event => console.log(event) })
 * ```
 */
export function createBotDirectory(options: DiscoveryOptions = {}): BotDirectory {
  checkDiscoveryOptions('createBotDirectory', options)
  const shared = sharedParts(options, [botDirectoryType])
  const bots = createParticipants<never>({
    ...shared,
    document: 'http-message-signatures-directory',
    first: 'jwks',
    open: botKeys,
  })
  return {
    async key(bot, keyid, caller) {
      const network = shared.development ? undefined : caller
      const budget = fetchBudget(fetchesPerRequest, undefined, network)
      return bots.key(bot, { kid: keyid, budget, failed: undefined })
    },
    purge(bot) {
      bots.purge(bot)
      shared.tell({ type: 'purged', id: bot })
    },
  }
}
