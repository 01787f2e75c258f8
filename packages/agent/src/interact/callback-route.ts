import { checkOptionsOffPage } from '@countersign/protocol'
import type { Interact } from '../grant/interact.js'
import { userUrl } from '../grant/user-url.js'
import { browserInteraction, type VisitUrl } from './browser-interaction.js'

/** A route of the app's own. */
export interface CallbackRouteOptions {
  /** One of the agent's `redirect_uris`, letter for letter. What comes there goes to `handleCallback` of the user's view. */
  readonly redirectUri: string
  /**
   * Sends the user, and calls wait for them; the callback must come to this process then. Default: nobody waits. What needs
   * the user throws an `AgentError` `interaction_required` with the `url`, and is called again after the callback.
   */
  readonly visit?: VisitUrl
}

/**
 * Users decide in a browser that comes back to a route of the app.
 * @throws TypeError when `redirectUri` is no https URL, nor one of http on a loopback host
 * @see protocol §6.3, §6.4
 */
export function callbackRoute(options: CallbackRouteOptions): Interact {
  checkOptionsOffPage('callbackRoute', options, { redirectUri: 'string', visit: 'function' })
  const { redirectUri, visit } = options
  if (userUrl(redirectUri, { development: true }) === undefined || redirectUri.includes('#'))
    throw new TypeError(
      'redirectUri must be one of the redirect_uris of the agent, such as https://app.example/callback',
    )
  const returnPoint = { redirectUri, ...(visit === undefined ? {} : { visit }), close: () => undefined }
  return browserInteraction('callback', async () => returnPoint)
}
