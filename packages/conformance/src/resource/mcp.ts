import { type Trial, Undecided } from '../case/trial.js'
import type { McpServer, McpTool } from '../config/mcp-server.js'
import type { Level } from '../config/route.js'
import type { Participant } from '../participants/participant.js'
import { type Draft, requiredComponents, signDraft } from '../signing/draft.js'
import { authTokenDraft, signToken } from '../signing/token.js'
import { type HeaderLine, headerValue, type WireRequest } from '../wire/message.js'
import { byPublishedKey, draftFor, holder, pseudonym, type ResourceStage, type Signer, tokenMember } from './stage.js'

const version = '2025-11-25'

/** The message that opens a session. */
export const initialize: object = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'conformance', version: '1' } },
}

/** A message to an MCP server. */
export interface McpMessage {
  /** Absent: the message is not signed. */
  readonly caller: Signer | undefined
  /** Default that of the server. */
  readonly target?: string | undefined
  readonly session?: string | undefined
  /** The body, as an object or as text. */
  readonly body?: object | string
  readonly method?: 'POST' | 'GET' | 'DELETE'
  readonly headers?: readonly HeaderLine[]
  readonly contentType?: string
  /** Changes what is signed. */
  readonly draft?: (draft: Draft) => Draft
}

/** The headers of MCP that a request must cover where it has them. */
export const mcpHeaders: readonly string[] = ['mcp-session-id', 'mcp-protocol-version', 'last-event-id']

/** Those of a message that carries all that it needs. */
const messageHeaders: readonly string[] = ['mcp-method', 'mcp-name']

/** Makes a message, and signs it for its caller. */
export function mcpRequest(stage: ResourceStage, o: McpMessage): WireRequest {
  const target = o.target ?? serverOf(stage).target
  const method = o.method ?? 'POST'
  const body = typeof o.body === 'string' ? o.body : JSON.stringify(o.body ?? {})
  const own: HeaderLine[] = [
    ['accept', method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream'],
    ...(o.session === undefined
      ? []
      : ([
          ['mcp-session-id', o.session],
          ['mcp-protocol-version', version],
        ] as const)),
    ...(o.headers ?? []),
  ]
  const route = {
    level: 'pseudonymous' as const,
    method,
    target,
    scope: '',
    body,
    contentType: o.contentType ?? 'application/json',
    special: {},
  }
  const right = draftFor(stage, route, o.caller ?? pseudonym())
  const names = new Set(own.map(([name]) => name))
  const covered = [...mcpHeaders, ...messageHeaders].flatMap(name => (names.has(name) ? [`"${name}"`] : []))
  const draft = { ...right, headers: [...right.headers, ...own] }
  if (o.caller === undefined) return { method, target, headers: draft.headers, body: draft.body }
  const signed = { ...draft, components: [...requiredComponents(draft), ...covered] }
  return signDraft(o.draft?.(signed) ?? signed)
}

/** A call of a tool. */
export function toolCall(name: string, id = 7): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } }
}

/** Opens a session, as a control. @throws Undecided */
export async function openSession(
  trial: Trial,
  stage: ResourceStage,
  { caller, target }: Pick<McpMessage, 'caller' | 'target'>,
): Promise<string> {
  const response = await trial.control('a caller opens a session', () =>
    mcpRequest(stage, { caller, target, body: initialize }),
  )
  const session = headerValue(response, 'mcp-session-id')
  if (session === undefined) throw new Undecided('failed', 'could not decide: the server gives no Mcp-Session-Id')
  await trial.control('it says that it is ready', () =>
    mcpRequest(stage, { caller, target, session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } }),
  )
  return session
}

/** Opens a session of the agent itself, as a control. @throws Undecided */
export async function ownSession(
  trial: Trial,
  stage: ResourceStage,
): Promise<{ readonly caller: Signer; readonly session: string }> {
  const caller = byPublishedKey(stage.agent)
  return { caller, session: await openSession(trial, stage, { caller }) }
}

/** @throws TypeError where the case has not said that it needs one */
export function serverOf({ configuration }: ResourceStage): McpServer {
  if (configuration.mcp === undefined) throw new TypeError('the case needs an MCP server')
  return configuration.mcp
}

/** What the server has beside its tools. @throws TypeError where the case has not said that it needs it */
export function partOf<Name extends keyof McpServer>(stage: ResourceStage, name: Name): NonNullable<McpServer[Name]> {
  const found = serverOf(stage)[name]
  if (found === undefined || found === null) throw new TypeError(`the case needs mcp.${name}`)
  return found
}

/** The lowest tool that an agent which says who it is may call. */
export function plainTool(stage: ResourceStage): string {
  return toolOf(stage, 'identified')?.name ?? ''
}

/** The first tool of a level; undefined where there is none. */
export function toolOf(stage: ResourceStage, level: Level): McpTool | undefined {
  return serverOf(stage).tools.find(tool => tool.level === level)
}

/** An agent with an auth token for a tool. @param tool default the first authorized one */
export function toolHolder(
  stage: ResourceStage,
  claims: Readonly<Record<string, unknown>> = {},
  tool: McpTool | undefined = toolOf(stage, 'authorized'),
): Signer {
  const scope = tool?.scope ?? ''
  return holder(
    stage,
    { level: 'authorized', method: 'POST', target: '/', scope, body: '', contentType: '', special: {} },
    draft => ({
      ...draft,
      claims: { ...draft.claims, ...claims },
    }),
  )
}

/** An agent that calls a tool of the server, at the level of the tool. */
export function toolCaller(stage: ResourceStage, agent: Participant, tool: McpTool): Signer {
  if (tool.level !== 'authorized') return byPublishedKey(agent)
  const about = { aud: stage.id, agent: agent.id, key: agent.key, scope: tool.scope, sub: 'user-1', now: stage.now() }
  return { key: agent.key, keyMember: tokenMember(signToken(authTokenDraft(stage.authServer, about))) }
}
