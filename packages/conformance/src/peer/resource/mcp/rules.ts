import type { Route } from '../routes.js'
import type { McpSettings } from './settings.js'

/** What a caller needs. */
export interface Rule extends Pick<Route, 'level' | 'scopes' | 'isApproved'> {
  /** The agents that it takes, where it names its own. */
  readonly agents?: readonly string[]
}

/** What is needed at an MCP server. */
export interface ServerRules {
  readonly path: string
  /** Whether it speaks revision 2026-07-28. */
  readonly isStateless: boolean
  /** Whether it is behind a gateway, which reads no answers; this one has no sessions. */
  readonly isGateway: boolean
  /** For all messages that name nothing. */
  readonly session: Rule
  /** By name; `*` is for all names without a rule of their own. */
  readonly tools: Readonly<Record<string, Rule>>
  readonly prompts: Readonly<Record<string, Rule>>
  /** By URI, or by the beginning of one before `*`. */
  readonly resources: Readonly<Record<string, Rule>>
  /** The agents that its route takes, for rules that name none. */
  readonly agents?: readonly string[]
  /** The agents that its route denies. */
  readonly denied?: readonly string[]
}

const agents: Rule = { level: 'identified' }
const readers: Rule = { level: 'authorized', scopes: ['events.read'] }
const writers: Rule = { level: 'authorized', scopes: ['events.write'] }

const own = {
  isStateless: false,
  isGateway: false,
  session: agents,
  prompts: { '*': agents, farewell: readers },
  resources: { '*': agents, 'note://closed/*': readers },
}

/** The rules of all servers. */
export function serversOf({ agent, deniedAgent }: McpSettings): readonly ServerRules[] {
  const tools = { list: agents, add: writers, wait: readers, show: readers, hop: readers }
  return [
    { ...own, path: '/mcp', tools },
    { ...own, path: '/mcp-open', tools, session: { level: 'anonymous' } },
    {
      ...{ ...own, path: '/mcp-stateless', isStateless: true },
      tools: {
        ...{ list: agents, add: writers, ask: agents, pick: agents, report: readers, hop: readers },
        cancel: { ...writers, isApproved: true },
      },
    },
    {
      ...{ ...own, path: '/mcp-closed', isGateway: true, agents: [agent], denied: [deniedAgent] },
      tools: { plan: agents, write: writers, meet: { ...agents, agents: [agent, deniedAgent] } },
    },
  ]
}
