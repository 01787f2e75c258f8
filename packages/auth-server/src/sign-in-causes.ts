import { parseQuery } from '@countersign/protocol'
import { consentPath } from './consent/consent.js'
import { devicePath } from './consent/device.js'
import type { Requests } from './consent/requests.js'
import type { SignInCause } from './pages/sign-in-cause.js'

/**
 * Says who asks, on the page where a user signs in for it: the hosts of the request that the sign-in leads back to, as they were
 * verified. A path of any other kind, or a request that waits no more, says nothing.
 */
export function signInCauses(
  requests: Pick<Requests, 'find'>,
  now: () => number,
): (returnTo: string) => Promise<SignInCause | undefined> {
  return async returnTo => {
    if (returnTo === devicePath) return 'device'
    if (!returnTo.startsWith(consentPath(''))) return undefined
    const row = await requests.find(parseQuery(returnTo).get('request_token') ?? '')
    // Nothing in a link that is wrong in any way is shown as a fact.
    if (row === undefined || row.user_code !== null || row.expires <= now()) return undefined
    return { agent: row.agent, resource: row.resource }
  }
}
