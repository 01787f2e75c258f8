import type { Discovery } from '@countersign/discovery'
import { checkRedirectUri, refusal } from '@countersign/protocol/internal'
import type { RequestBy } from './read-request.js'

/**
 * Tells whether another program on the user's machine could receive the answer in the agent's place. Not so for an agent that is
 * itself on a loopback host, in development.
 */
export function isLoopbackRedirect(uri: string, agent: string): boolean {
  const { origin, hostname } = new URL(uri)
  return origin !== agent && /^(?:localhost|\[::1\]|127(?:\.\d+){3})$/.test(hostname)
}

/**
 * Checks once more, when the user decides, that the agent still lists the redirect URI: a host that it has given up since may
 * belong to an attacker, who would get the code.
 * @throws AAuthError shown as a page, never as a redirect; `temporarily_unavailable` where the agent's metadata cannot be had
 * @see protocol §6.3
 */
// unchecked options {}: only the desk, the console and tests call it, and TypeScript checks them
export async function checkStillListed(
  { agent, redirect_uri }: Pick<RequestBy<'browser'>, 'agent' | 'redirect_uri'>,
  { discovery }: { readonly discovery: Discovery },
): Promise<void> {
  const metadata = await discovery.limited().agent(agent)
  try {
    checkRedirectUri(redirect_uri, metadata)
  } catch (cause) {
    throw refusal('redirect_uri_unregistered', { cause })
  }
}
