import { pathOf } from '@countersign/httpsig/internal'
import type { SentExchange } from '../senders.js'
import type { OwnAgent, OwnCall, TokenFacts } from './contract.js'
import type { Invitation } from './operator.js'
import type { VisitorParts } from './parts.js'
import { issuedToken, tokenIn } from './token-facts.js'

/** Codes that may be unused at the same time. */
export const mostCodes = 20
/** Agents that are remembered. */
const mostAgents = 20
/** Calls of each that are remembered. */
const mostCalls = 12

/** The visitor's own agents: it watches for those that enrol with a code of this page, and for what they call. */
export interface OwnAgents {
  all(): readonly OwnAgent[]
  /** Whether another code may be made. */
  hasRoom(): boolean
  invited(label: string, invitation: Invitation): void
}

export function ownAgents({ participants, tell, now }: VisitorParts): OwnAgents {
  // bound: mostAgents; grown by the program
  const agents = new Map<string, OwnAgent>()
  let count = 0
  const latestFirst = (): OwnAgent[] => [...agents.values()].reverse()
  const change = (agent: OwnAgent): void => {
    agents.set(agent.delegate, agent)
    const [oldest] = agents.keys()
    if (agents.size > mostAgents && oldest !== undefined) agents.delete(oldest)
    tell({ agents: latestFirst() })
  }
  participants.listen(exchange => {
    const isIssued = exchange.to === participants.addresses.agentServer
    const token = isIssued ? issuedToken(exchange) : tokenIn(exchange)
    const agent = agents.get(token?.delegate ?? '')
    if (agent === undefined || token === undefined || token.agent !== participants.addresses.agentServer) return
    if (isIssued && agent.enrolled === undefined) return change({ ...agent, enrolled: exchange.at })
    if (isIssued || isTokenRequest(exchange)) return
    const call = callOf(exchange, token, ++count)
    change({ ...agent, calls: [call, ...agent.calls].slice(0, mostCalls), callCount: agent.callCount + 1 })
  })
  return {
    all: latestFirst,
    hasRoom() {
      const unused = [...agents.values()].filter(
        ({ enrolled, codeUntil }) => enrolled === undefined && codeUntil > now() / 1000,
      )
      return unused.length < mostCodes
    },
    invited: (label, { sub, expires }) => change({ delegate: sub, label, codeUntil: expires, calls: [], callCount: 0 }),
  }
}

/** Whether it is part of a climb rather than a call. */
function isTokenRequest({ request }: SentExchange): boolean {
  return ['/agent/token', '/aauth/resource-token'].includes(pathOf(request.target))
}

function callOf({ at, to, request, response }: SentExchange, { type }: TokenFacts, id: number): OwnCall {
  const { method, target, body } = request
  const tool = toolIn(body)
  return {
    id,
    at,
    to,
    method,
    path: pathOf(target),
    status: response.status,
    level: type === 'auth' ? 'authorized' : 'identified',
    tool,
  }
}

/** What an MCP message is: its method, and the name of the tool. */
function toolIn(body: string): string | undefined {
  if (!body.startsWith('{')) return undefined
  try {
    const { jsonrpc, method, params } = JSON.parse(body) as Readonly<Record<string, unknown>>
    const { name } = Object(params) as { readonly name?: unknown }
    return jsonrpc === '2.0' ? [method, name].filter(word => typeof word === 'string').join(' ') : undefined
  } catch {
    return undefined
  }
}
