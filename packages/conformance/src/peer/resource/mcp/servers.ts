import { headerValue } from '../../../wire/message.js'
import { readBody } from '../../shared/body.js'
import { deniedByPolicy, type PeerAnswer } from '../../shared/refusal.js'
import type { PeerRequest } from '../../shared/request.js'
import { guarded } from '../guard.js'
import type { Admitted, Route } from '../routes.js'
import type { Site } from '../site.js'
import { argumentsOf, callsNothing, checkHeaders, checkMethod, type Message, readMessage } from './message.js'
import type { Exchange } from './results.js'
import { type Rule, type ServerRules, serversOf } from './rules.js'
import type { McpSettings } from './settings.js'
import { type McpState, openState } from './state.js'
import { ruleOf } from './subject.js'
import { answerInSession } from './with-sessions.js'
import { answerAlone } from './without-sessions.js'

const longestBody = 1024 * 1024
const components = ['mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'last-event-id']

/** Opens the MCP servers of a resource. They answer nothing of another path. */
export function openMcp(settings: McpSettings, site: Site): (request: PeerRequest) => Promise<PeerAnswer> | undefined {
  const state = openState()
  const servers = serversOf(settings)
  return request => {
    const rules = servers.find(({ path }) => path === request.path)
    return rules === undefined ? undefined : answer(request, { rules, state, site })
  }
}

type At = Pick<Exchange, 'rules' | 'state' | 'site'>

/** Judges a request by itself, by what it is about. @see protocol §12 */
async function answer(request: PeerRequest, at: At): Promise<PeerAnswer> {
  const { rules, state, site } = at
  checkOrigin(request, site)
  const body = await readBody(request, longestBody)
  const message = request.method === 'POST' ? readMessage(request, body) : undefined
  if (message !== undefined) checkMethod(message)
  if (message !== undefined) checkHeaders(request, message, rules.isStateless)
  const rule = message === undefined ? ruleOfStream(request, rules, state) : ruleOf(message, rules, state)
  const route: Route = {
    ...{ method: request.method, path: rules.path, level: rule.level, scopes: rule.scopes ?? [] },
    ...{ components, isOnce: true, ...(rule.isApproved && { isApproved: true }) },
    ...(message?.method === 'tools/call' && about(message)),
    ...(message !== undefined && callsNothing(message) && { isSafe: true }),
    serve: async admitted => {
      checkAgent(admitted, rules, rule)
      const exchange = { ...at, request, message, admitted, rule }
      return rules.isStateless ? answerAlone(exchange) : answerInSession(exchange)
    },
  }
  return guarded({ ...request, chunks: chunksOf(body) }, route, site)
}

/** The name of a tool is its operation. */
function about(message: Message): Pick<Route, 'operation' | 'argumentsIn'> {
  return { operation: String(message.params['name']), argumentsIn: () => argumentsOf(message) }
}

async function* chunksOf(body: Buffer): AsyncGenerator<Uint8Array> {
  if (body.length > 0) yield body
}

/** Pages of others can be led here by DNS rebinding. */
function checkOrigin(request: PeerRequest, { id }: Site): void {
  const origin = headerValue(request, 'origin')
  if (origin !== undefined && origin !== id) throw deniedByPolicy('origin_foreign', 'the request is of another origin')
}

/** A stream goes on by the rule of the request that it answers. */
function ruleOfStream(request: PeerRequest, rules: ServerRules, { streams }: McpState): Rule {
  const [id = ''] = headerValue(request, 'last-event-id')?.split('.') ?? []
  return streams.get(id)?.rule ?? rules.session
}

function checkAgent({ called }: Admitted, { agents, denied = [] }: ServerRules, rule: Rule): void {
  const agent = String(called?.caller.agent)
  const taken = rule.agents ?? agents
  if (taken !== undefined && !taken.includes(agent)) throw deniedByPolicy('agent_not_listed', 'it is for other agents')
  if (denied.includes(agent)) throw deniedByPolicy('agent_denied', 'the route denies the agent')
}
