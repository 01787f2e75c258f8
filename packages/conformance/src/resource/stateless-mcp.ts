import type { Trial } from '../case/trial.js'
import type { McpTool, StatelessMcp } from '../config/mcp-server.js'
import type { HeaderLine, WireRequest, WireResponse } from '../wire/message.js'
import { type McpMessage, mcpRequest } from './mcp.js'
import type { ResourceStage, Signer } from './stage.js'

/** The first revision without sessions. */
export const statelessVersion = '2026-07-28'

/** A message of revision 2026-07-28. */
export interface Said {
  readonly caller: Signer
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  /** What the client can do. */
  readonly capabilities?: object
  /** Changes the headers that repeat the message, before they are signed. */
  readonly headers?: (right: readonly HeaderLine[]) => readonly HeaderLine[]
  /** Changes what is signed. */
  readonly draft?: McpMessage['draft']
}

/** Makes a message that carries all that it needs, and signs it. */
export function say(stage: ResourceStage, o: Said): WireRequest {
  const { caller, method, params = {}, capabilities = {}, headers = right => right } = o
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': statelessVersion,
    'io.modelcontextprotocol/clientInfo': { name: 'conformance', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  }
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  const right: HeaderLine[] = [
    ['mcp-protocol-version', statelessVersion],
    ['mcp-method', method],
    ...(typeof name === 'string' ? [['mcp-name', name] as const] : []),
  ]
  const body = { jsonrpc: '2.0', id: 41, method, params: { ...params, _meta } }
  const { target } = statelessServer(stage)
  const changed = o.draft === undefined ? {} : { draft: o.draft }
  return mcpRequest(stage, { caller, target, body, headers: headers(right), ...changed })
}

/** A call of a tool without arguments. */
export function calling(
  tool: McpTool,
  more: Readonly<Record<string, unknown>> = {},
): Pick<Required<Said>, 'method' | 'params'> {
  return { method: 'tools/call', params: { name: tool.name, arguments: {}, ...more } }
}

/** @throws TypeError where the case has not said that it needs one */
export function statelessServer({ configuration }: ResourceStage): StatelessMcp {
  if (configuration.statelessMcp === undefined) throw new TypeError('the case needs an MCP server without sessions')
  return configuration.statelessMcp
}

/** What the server has beside its tools. @throws TypeError where the case has not said that it needs it */
export function statelessPart<Name extends keyof StatelessMcp>(
  stage: ResourceStage,
  name: Name,
): NonNullable<StatelessMcp[Name]> {
  const found = statelessServer(stage)[name]
  if (found === undefined || found === null) throw new TypeError(`the case needs statelessMcp.${name}`)
  return found
}

/** The first tool of a level. @throws TypeError where there is none */
export function statelessTool(stage: ResourceStage, level: 'identified' | 'authorized'): McpTool {
  const found = statelessServer(stage).tools.find(tool => tool.level === level)
  if (found === undefined) throw new TypeError(`the case needs a tool that is ${level}`)
  return found
}

type Json = Readonly<Record<string, unknown>>

/** The JSON-RPC message that answers a request, as JSON or as the last event of a stream; empty where there is none. */
export function answerIn(response: WireResponse | undefined): Json {
  const text = response?.body.toString('utf8') ?? ''
  const data = text.startsWith('{') ? text : [...text.matchAll(/^data: ?(\{.*)$/gm)].at(-1)?.[1]
  try {
    return Object(JSON.parse(data ?? '{}')) as Json
  } catch {
    return {}
  }
}

/** The result of a request; empty where there is none. */
export function resultIn(response: WireResponse | undefined): Json {
  return Object(answerIn(response)['result']) as Json
}

/** A message must be refused with 400, as a JSON-RPC error that says so. @see protocol §12 */
export async function refusedMessage(trial: Trial, title: string, request: () => WireRequest): Promise<void> {
  const response = await trial.refused(title, request, { status: 400, challenge: 'none' })
  const { data } = Object(answerIn(response)['error'])
  const { error, reason } = Object(data)
  trial.holds(
    `${title}: error.data of JSON-RPC says why`,
    error === 'invalid_request' && typeof reason === 'string',
    `it has ${String(error)}, ${String(reason)}`,
  )
}
