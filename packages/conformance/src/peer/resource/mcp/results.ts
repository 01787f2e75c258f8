import type { JsonObject } from '../../shared/json.js'
import type { PeerRequest } from '../../shared/request.js'
import { isGranted } from '../challenge.js'
import type { Admitted } from '../routes.js'
import type { Site } from '../site.js'
import { badMessage, type Message } from './message.js'
import type { Rule, ServerRules } from './rules.js'
import type { McpState } from './state.js'

/** A request that the guard let pass, and all that its answer needs. */
export interface Exchange {
  readonly request: PeerRequest
  /** Undefined of GET and DELETE. */
  readonly message: Message | undefined
  readonly admitted: Admitted
  readonly rule: Rule
  readonly rules: ServerRules
  readonly state: McpState
  readonly site: Site
}

const uris = ['note://open/one', 'note://closed/two']
const prompts = ['greeting', 'farewell']

/** What both revisions answer to methods that do nothing. @throws Refusal where a method is unknown */
export function commonResult(exchange: Exchange, { method, params }: Message): JsonObject {
  const { uri, name } = params
  if (method === 'ping') return {}
  if (method === 'tools/list') return { tools: listedTools(exchange) }
  if (method === 'prompts/list') return { prompts: prompts.map(one => ({ name: one })) }
  if (method === 'resources/list') return { resources: uris.map(one => ({ uri: one, name: one })) }
  if (method === 'prompts/get') return { messages: [{ role: 'user', content: { type: 'text', text: String(name) } }] }
  if (method === 'resources/read') return { contents: [{ uri, text: String(uri) }] }
  throw badMessage('method_unknown', 'the method is unknown', 404)
}

/** The tools that a caller may use as it is. */
function listedTools({ rules, admitted }: Exchange): readonly JsonObject[] {
  const { level, claims = {} } = admitted.called?.caller ?? {}
  const may = ({ level: needed, scopes = [] }: Rule): boolean =>
    needed === 'identified' || (level === 'authorized' && scopes.every(scope => isGranted(scope, claims)))
  const properties = { region: { type: 'string', 'x-mcp-header': 'Region' } }
  return Object.entries(rules.tools).flatMap(([name, rule]) =>
    may(rule) ? [{ name, inputSchema: { type: 'object', ...(name === 'pick' && { properties }) } }] : [],
  )
}
