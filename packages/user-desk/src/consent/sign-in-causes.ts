import type { Requests } from '@countersign/auth-server/internal'
import { parseQuery } from '@countersign/protocol/internal'
import type { SignInCause } from '../pages/sign-in-cause.js'
import { consentPath } from './claimed-request.js'
import { devicePath } from './device.js'

/**
 * What a sign-in is for: the verified agent and resource of the request that it leads back to. Undefined for other paths, and for
 * a request that no longer waits.
 */
export function signInCauses(
  requests: Pick<Requests, 'find'>,
  now: () => number,
): (returnTo: string) => Promise<SignInCause | undefined> {
  return async returnTo => {
    if (returnTo === devicePath) return 'device'
    if (!returnTo.startsWith(consentPath(''))) return undefined
    const row = await requests.find(parseQuery(returnTo).get('request_token') ?? '')
    // A page shows nothing of a link that is wrong in any way.
    if (row === undefined || row.way !== 'browser' || row.expires <= now()) return undefined
    return { agent: row.agent, resource: row.resource }
  }
}
