import { AgentError, type Visit, type VisitUrl } from '@countersign/agent'
import { checkOptions } from '@countersign/protocol/internal'
import { type ElicitingClient, elicit, questionText, refusalError } from './eliciting-client.js'

/** The options of `elicitUrl`. */
export interface ElicitUrlOptions {
  /** The client, or a function that returns the client of a visit's user: `visit.user` is the key given to `forUser`. */
  readonly client: ElicitingClient | ((visit: Visit) => ElicitingClient | undefined)
  /** Sends the user when the client cannot elicit by URL. Default: the call fails with an `AgentError`. */
  readonly otherwise?: VisitUrl
}

/**
 * Sends users to a URL through their MCP client, for `loopback({ open })` and `callbackRoute({ redirectUri, visit })`: the client
 * shows the URL, opens it when the user agrees, and is told when the user is done.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-requests
 */
export function elicitUrl(options: ElicitUrlOptions): VisitUrl {
  checkOptions('elicitUrl', options, { client: 'object', otherwise: 'function' }, ['client'])
  const { client, otherwise } = options
  return async (url, visit) => {
    const asked = typeof client === 'function' ? client(visit) : client
    const elicited = await elicit(asked, { url, message: messageOf(visit), ended: visit.ended })
    if (elicited.action === 'unable') return sendOtherwise(url, visit, otherwise)
    if (elicited.action === 'ended') return
    if (elicited.action !== 'accept') throw refusalError(elicited.action)
    const { complete } = elicited
    const end = (): void => void complete().catch(() => undefined)
    if (visit.ended.aborted) end()
    else visit.ended.addEventListener('abort', end, { once: true })
  }
}

async function sendOtherwise(url: string, visit: Visit, otherwise: VisitUrl | undefined): Promise<void> {
  if (otherwise !== undefined) return otherwise(url, visit)
  throw new AgentError(
    'interaction_required',
    'a user must agree, but the MCP client cannot send them to a URL (no elicitation in URL mode)',
  )
}

function messageOf(visit: Visit): string {
  return visit.issuer === visit.resource
    ? `${new URL(visit.resource).host} has a question for you`
    : questionText(visit)
}
