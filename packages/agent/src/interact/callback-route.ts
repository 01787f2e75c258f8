import { checkOptionsOffPage } from '@countersign/protocol/internal'
import type { Interact } from '../grant/interact.js'
import { userUrl } from '../grant/user-url.js'
import { browserInteraction, type VisitUrl } from './browser-interaction.js'

/** Options of {@link callbackRoute}. */
export interface CallbackRouteOptions {
  /** One of the agent's `redirect_uris`, exactly. The app passes requests to this route to `handleCallback` of the user's view. */
  readonly redirectUri: string
  /**
   * Sends the user to the URL, and calls wait; the callback must then reach the same process; default: calls do not wait. A call
   * that needs the user throws an `AgentError` `interaction_required` with the `url`; repeat it after the callback.
   */
  readonly visit?: VisitUrl
}

/**
 * Asks users in the browser, which comes back to a route of the app.
 * @throws TypeError when `redirectUri` is neither an https URL nor an http URL of a loopback host
 * @see protocol §6.3, §6.4
 */
export function callbackRoute(options: CallbackRouteOptions): Interact {
  checkOptionsOffPage('callbackRoute', options, { redirectUri: 'string', visit: 'function' })
  const { redirectUri, visit } = options
  if (userUrl(redirectUri, { development: true }) === undefined || redirectUri.includes('#'))
    throw new TypeError(
      'redirectUri must be one of the redirect_uris of the agent, such as https://app.example/callback',
    )
  const returnPoint = { redirectUri, visit, close: () => undefined }
  return browserInteraction('callback', async () => returnPoint)
}
