import { ConfigurationError } from './configuration-error.js'
import { type Members, readInteger, readMembers, readText, readTexts } from './members.js'
import type { Level } from './route.js'

/** What a caller needs for a tool or resource of an MCP server. */
export interface McpSubject {
  readonly level: Level
  /** The name of a tool, or the URI of a resource. */
  readonly name: string
  readonly scope: string
}

/** A tool of an MCP server, without required arguments. */
export type McpTool = McpSubject

/** Two things, of which the second one needs more. */
export interface LowAndHigh {
  readonly low: McpSubject
  readonly high: McpSubject
}

/** An MCP server of the resource under test. A caller of its lowest tool may open a session. */
export interface McpServer {
  readonly target: string
  readonly tools: readonly McpTool[]
  /** Two resources: the second one needs more than the first. */
  readonly resources?: LowAndHigh | undefined
  /** Two prompts: the rule of the first one is for all names without a rule, and the second one needs more. */
  readonly prompts?: LowAndHigh | undefined
  /** A tool that sends a notification at once, and answers after 4 to 8 seconds. */
  readonly slow?: McpTool | undefined
  /** A tool that answers all that the server sees of its request, `User-Agent` among it. */
  readonly shows?: McpTool | undefined
  /** A tool that calls `GET /` of the suite's resource `downstream` for its caller. */
  readonly calls?: McpTool | undefined
  /** Where anonymous callers may open a session, too. */
  readonly open?: string | undefined
}

/** An MCP server of revision 2026-07-28: each request carries all that it needs. */
export interface StatelessMcp {
  readonly target: string
  readonly tools: readonly McpTool[]
  /** Two resources that may be subscribed to: the second one needs more than the first. */
  readonly resources?: LowAndHigh | undefined
  /** A tool for identified callers that asks for input, and answers once it has any. */
  readonly asks?: McpTool | undefined
  /** A tool that begins a task, which may be asked for by `tasks/get`. */
  readonly task?: McpTool | undefined
  /** A tool whose calls a user approves, and which begins a task. */
  readonly approves?: McpTool | undefined
  /** A tool for identified callers whose argument `region` stands in `Mcp-Param-Region`, too, and is read there. */
  readonly mirrors?: McpTool | undefined
  /** A tool that calls `GET /` of the suite's resource `downstream` for its caller. */
  readonly calls?: McpTool | undefined
  /** How many subscriptions one caller may have open. */
  readonly subscriptions?: number | undefined
}

/** An MCP server whose route lets no agent in but `agentServer`. */
export interface ClosedMcp {
  readonly target: string
  readonly tools: readonly McpTool[]
  /** A tool whose rule names `agentServer` and `authServer` as its agents, where the route denies `authServer`. */
  readonly denies?: McpTool | undefined
}

const form = /^(pseudonymous|identified|authorized) ([!-~]+)(?: scope ([!-~]+(?: [!-~]+)*))?$/
const example = 'like "identified list_items" or "authorized add_item scope items.write"'
const known = ['target', 'tools', 'resources', 'prompts', 'slow', 'shows', 'calls', 'open']

/** Reads `{ "target": "/mcp", "tools": ["identified list_items"] }` and what else the server has. @throws ConfigurationError */
export function readMcpServer(place: string, value: unknown): McpServer | undefined {
  if (value === undefined) return undefined
  const members = readMembers(place, value, known)
  const tools = readBothTools(place, members)
  const tool = (name: string, level: Level): McpTool | undefined => readTool(`${place}.${name}`, members[name], level)
  return {
    target: readText(`${place}.target`, members['target']) ?? '/mcp',
    tools,
    resources: readResources(`${place}.resources`, members['resources']),
    prompts: readLowAndHigh(`${place}.prompts`, members['prompts']),
    slow: tool('slow', 'authorized'),
    shows: tool('shows', 'authorized'),
    calls: tool('calls', 'authorized'),
    open: readText(`${place}.open`, members['open']),
  }
}

const knownStateless = ['target', 'tools', 'resources', 'asks', 'task', 'approves', 'mirrors', 'calls', 'subscriptions']

/** Reads `{ "target": "/mcp", "tools": ["identified list_items"] }` and what else the server has. @throws ConfigurationError */
export function readStatelessMcp(place: string, value: unknown): StatelessMcp | undefined {
  if (value === undefined) return undefined
  const members = readMembers(place, value, knownStateless)
  const tool = (name: string, level: Level): McpTool | undefined => readTool(`${place}.${name}`, members[name], level)
  const { target, resources, subscriptions } = members
  return {
    target: readText(`${place}.target`, target) ?? '/mcp',
    tools: readBothTools(place, members),
    resources: readResources(`${place}.resources`, resources),
    asks: tool('asks', 'identified'),
    task: tool('task', 'authorized'),
    approves: tool('approves', 'authorized'),
    mirrors: tool('mirrors', 'identified'),
    calls: tool('calls', 'authorized'),
    subscriptions:
      subscriptions === undefined
        ? undefined
        : readInteger(`${place}.subscriptions`, subscriptions, { least: 1, most: 64 }),
  }
}

/** Reads `{ "target": "/mcp-closed", "tools": ["identified list_items"] }`. @throws ConfigurationError */
export function readClosedMcp(place: string, value: unknown): ClosedMcp | undefined {
  if (value === undefined) return undefined
  const members = readMembers(place, value, ['target', 'tools', 'denies'])
  const tools = readTools(place, members)
  if (tools.length === 0 || tools.some(({ level }) => level === 'pseudonymous'))
    throw new ConfigurationError(`${place}.tools must have one, and each for identified or authorized`)
  return {
    target: readText(`${place}.target`, members['target']) ?? '/mcp',
    tools,
    denies: readTool(`${place}.denies`, members['denies'], 'identified'),
  }
}

/** @throws ConfigurationError without a tool for identified callers, and one that needs a scope */
function readBothTools(place: string, members: Members): readonly McpTool[] {
  const tools = readTools(place, members)
  if (!tools.some(({ level }) => level === 'identified') || !tools.some(({ level }) => level === 'authorized'))
    throw new ConfigurationError(`${place}.tools must have one for identified and one for authorized`)
  return tools
}

function readTool(place: string, value: unknown, level: Level): McpTool | undefined {
  const text = readText(place, value)
  const read = text === undefined ? undefined : readSubject(place, text)
  if (read !== undefined && read.level !== level)
    throw new ConfigurationError(`${place} must be a tool that is ${level}`)
  return read
}

function readTools(place: string, { tools }: Members): readonly McpTool[] {
  return (readTexts(`${place}.tools`, tools) ?? []).map((text, at) => readSubject(`${place}.tools[${at}]`, text))
}

function readResources(place: string, value: unknown): LowAndHigh | undefined {
  const read = readLowAndHigh(place, value)
  if (read !== undefined && !/^[a-z]+:\/\/[a-z]+\/[a-z]+$/.test(read.high.name))
    throw new ConfigurationError(`${place}[1] must be like "authorized note://closed/two scope notes.read"`)
  return read
}

function readLowAndHigh(place: string, value: unknown): LowAndHigh | undefined {
  if (value === undefined) return undefined
  const [low, high, ...more] = (readTexts(place, value) ?? []).map((text, at) => readSubject(`${place}[${at}]`, text))
  if (
    low === undefined ||
    high === undefined ||
    more.length > 0 ||
    low.level === 'authorized' ||
    high.level !== 'authorized'
  )
    throw new ConfigurationError(`${place} must be two: one below authorized, and one that is authorized`)
  return { low, high }
}

function readSubject(place: string, text: string): McpSubject {
  const [, level, name = '', scope = ''] = form.exec(text) ?? []
  if (level === undefined || (level === 'authorized') !== (scope !== ''))
    throw new ConfigurationError(`${place} must be ${example}`)
  return { level: level as Level, name, scope }
}
