import { AgentError, type Visit, type VisitUrl } from '@countersign/agent'
import { checkOptions } from '@countersign/protocol'
import { type ElicitingClient, elicit, refused } from './eliciting-client.js'

/** Whose user is sent. */
export interface ElicitUrlOptions {
  /** The client, or the one of a visit: `visit.user` is the key given to `forUser`. */
  readonly client: ElicitingClient | ((visit: Visit) => ElicitingClient | undefined)
  /** What is done where the client has no elicitation by URL. Default: the call ends with an `AgentError`. */
  readonly otherwise?: VisitUrl
}

/**
 * Sends users by way of their MCP client, for `loopback({ open })` and `callbackRoute({ redirectUri, visit })`: it shows them
 * the URL, opens it when they agree, and is told when they are done.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-requests
 */
export function elicitUrl(options: ElicitUrlOptions): VisitUrl {
  checkOptions('elicitUrl', options, { client: 'object', otherwise: 'function' }, ['client'])
  const { client, otherwise } = options
  return async (url, visit) => {
    const asked = typeof client === 'function' ? client(visit) : client
    const elicited = await elicit(asked, { url, message: messageOf(visit), ended: visit.ended })
    if (elicited.action === 'unable') return nextBest(url, visit, otherwise)
    if (elicited.action === 'ended') return
    if (elicited.action !== 'accept') throw refused(elicited.action)
    const { complete } = elicited
    const end = (): void => void complete().catch(() => undefined)
    if (visit.ended.aborted) end()
    else visit.ended.addEventListener('abort', end, { once: true })
  }
}

function nextBest(url: string, visit: Visit, otherwise: VisitUrl | undefined): void | Promise<void> {
  if (otherwise !== undefined) return otherwise(url, visit)
  throw new AgentError(
    'interaction_required',
    'a user must agree, and the MCP client has no elicitation by URL to send one',
  )
}

/** Hosts only: they are verified, and scopes are the resource's own words. */
function messageOf({ issuer, resource }: Visit): string {
  const [asker, where] = [issuer, resource].map(id => new URL(id).host)
  return asker === where ? `${where} asks for you` : `${asker} asks you whether to allow access to ${where}`
}
