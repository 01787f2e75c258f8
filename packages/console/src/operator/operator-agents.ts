import type { BlockedFacts } from '@countersign/auth-server'
import type { BlockRow, Tables } from '@countersign/auth-server/internal'
import { agentsOfSite, checkDelegate, checkSite, isOfSite } from '@countersign/auth-server/internal'
import { isIdentifier } from '@countersign/protocol'
import { checkIdentifier, checkOptions, restriction } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { type Blocked, block, blockedFacts, type OperatorContext, unblock } from './operator-context.js'
import { type OperatorPage, type PageOptions, pageIn, pageOf } from './page.js'

/** Who is blocked: an agent, one of its delegates, or all agents of a site (a registrable domain). */
export type AgentBlock =
  | { readonly agent: string; readonly delegate?: string }
  /** A registrable domain, such as `acme.example`. */
  | { readonly site: string }

/** A block of agents that stands. */
export interface StandingBlock extends Omit<BlockedFacts, 'user'> {
  /** Since when, Unix seconds. */
  readonly blocked: number
}

/** An agent that has grants. */
export interface OperatorAgent {
  readonly agent: string
  /** At most 1000 are counted. */
  readonly grants: number
  /** What blocks it. */
  readonly blocked?: 'agent' | 'site'
}

/** An agent with what it has. */
export interface OperatorAgentDetails extends OperatorAgent {
  /** Users who allowed it something, among its first 1000 grants. */
  readonly users: number
  /** Delegates with grants, among the first 1000; those that are blocked are marked. */
  readonly delegates: ReadonlyArray<{ readonly delegate: string; readonly blocked?: true }>
}

/** What a block would end. */
export interface Affected {
  /** At most 1000 are counted. */
  readonly grants: number
  /** Users who allowed them something, among these grants. */
  readonly users: number
  /** Agents that have something; more than one for a site only. */
  readonly agents: readonly string[]
}

/** The agents of an auth server, for its operator. */
export interface OperatorAgents {
  /** Lists agents with grants, by identifier. @throws TypeError for an unknown option; RangeError for an unfit `limit` */
  list(options?: PageOptions): Promise<OperatorPage<OperatorAgent>>
  /** The blocks of agents, delegates and sites; at most 10 000. */
  blocks(): Promise<readonly StandingBlock[]>
  /** An agent; undefined where it has no grant and no block. */
  show(agent: string): Promise<OperatorAgentDetails | undefined>
  /** What a block would end now. @throws TypeError as `block` */
  affected(who: AgentBlock): Promise<Affected>
  /**
   * Refuses an agent, a delegate or a site from now on, and ends what it has; other instances know within 5 seconds.
   * @throws TypeError for a name that would match nothing; RangeError when 10 000 blocks are there
   */
  block(who: AgentBlock): Promise<Blocked>
  /** Lets it ask again; false where it was not blocked. */
  unblock(who: AgentBlock): Promise<boolean>
}

/** Grants that are counted. */
const mostCounted = 1000

type Database = Store<Tables>['db']

/** Queries over the tables. */
export function operatorAgents(context: OperatorContext): OperatorAgents {
  const { db } = context.store
  return {
    async list(options = {}) {
      checkOptions('agents.list', options, { after: 'string', limit: 'number' }, [])
      const { after, limit } = pageIn(options)
      const blocks = await blocksOf(db)
      const items: OperatorAgent[] = []
      for (const agent of await agentsAfter(db, after, limit + 1))
        items.push({ agent, grants: (await grantsOf(db, agent)).length, ...blockedBy(agent, blocks) })
      return pageOf(items, { limit, keyOf: ({ agent }) => agent, itemOf: item => item })
    },

    async blocks() {
      const rows = await blocksOf(db)
      return rows.map(row => ({ ...blockedFacts(row), blocked: row.created }))
    },

    async show(agent) {
      const [grants, blocks] = [await grantsOf(db, agent), await blocksOf(db)]
      const blockedDelegates = blocks.filter(({ kind, name }) => kind === 'delegate' && name === agent)
      const blocked = blockedBy(agent, blocks)
      if (grants.length === 0 && blocked.blocked === undefined && blockedDelegates.length === 0) return undefined
      const marked = new Set(blockedDelegates.map(({ agent_delegate }) => agent_delegate))
      const names = new Set([...grants.map(({ agent_delegate }) => agent_delegate), ...marked])
      names.delete('')
      return {
        agent,
        grants: grants.length,
        ...blocked,
        users: new Set(grants.flatMap(({ user_sub }) => user_sub ?? [])).size,
        delegates: [...names].map(delegate => ({ delegate, ...(marked.has(delegate) ? { blocked: true } : {}) })),
      }
    },

    affected: async who => affectedBy(db, blockingOf('agents.affected', who, context)),
    block: async who => block(blockingOf('agents.block', who, context), context),
    unblock: async who => unblock(blockingOf('agents.unblock', who, context), context),
  }
}

async function affectedBy(db: Database, { kind, name, agent_delegate }: Omit<BlockRow, 'created'>): Promise<Affected> {
  const agents = kind === 'site' ? await agentsOfSite(db, name) : [name]
  if (agents.length === 0) return { grants: 0, users: 0, agents: [] }
  const ofDelegate = kind === 'delegate' ? { agent_delegate } : {}
  const rows = await db
    .selectFrom('auth_server_grants')
    .select(['agent', 'user_sub'])
    .where('agent', 'in', agents)
    .where(({ and }) => and({ ...ofDelegate }))
    .limit(mostCounted)
    .execute()
  const users = new Set(rows.flatMap(({ user_sub }) => user_sub ?? []))
  return {
    grants: rows.length,
    users: users.size,
    agents: kind === 'site' ? agents : [...new Set(rows.map(row => row.agent))],
  }
}

function blockingOf(
  name: string,
  who: AgentBlock,
  { development }: Pick<OperatorContext, 'development'>,
): Omit<BlockRow, 'created'> {
  // Without its delegate, a block of one delegate would be one of the agent.
  const delegateCheck = restriction('string')
  checkOptions(name, who, { agent: 'string', delegate: delegateCheck, site: 'string' }, [])
  const { agent, delegate, site }: BlockedFacts = who
  if ((agent === undefined) === (site === undefined) || (delegate !== undefined && agent === undefined))
    throw new TypeError(`${name}: name an agent, a delegate of an agent, or a site`)
  if (agent === undefined) {
    checkSite(site ?? '')
    return { kind: 'site', name: site ?? '', agent_delegate: '' }
  }
  checkIdentifier('agent', agent, { development })
  if (delegate === undefined) return { kind: 'agent', name: agent, agent_delegate: '' }
  checkDelegate({ agent, delegate }, { development })
  return { kind: 'delegate', name: agent, agent_delegate: delegate }
}

/** From agent to agent by the index of owners: one agent may have a million grants, which are not read. */
async function agentsAfter(db: Database, after: string, limit: number): Promise<string[]> {
  // bound: one call: limit
  const agents: string[] = []
  for (let last = after; agents.length < limit; ) {
    const { next } = await db
      .selectFrom('auth_server_grants')
      .select(({ fn }) => fn.min<string | null>('agent').as('next'))
      .where('agent', '>', last)
      .executeTakeFirstOrThrow()
    if (next === null) break
    agents.push(next)
    last = next
  }
  return agents
}

function grantsOf(
  db: Database,
  agent: string,
): Promise<ReadonlyArray<{ readonly agent_delegate: string; readonly user_sub: string | null }>> {
  return db
    .selectFrom('auth_server_grants')
    .select(['agent_delegate', 'user_sub'])
    .where('agent', '=', agent)
    .limit(mostCounted)
    .execute()
}

function blocksOf(db: Database): Promise<BlockRow[]> {
  return db.selectFrom('auth_server_blocks').selectAll().where('kind', '!=', 'user').orderBy('created').execute()
}

function blockedBy(agent: string, blocks: readonly BlockRow[]): Pick<OperatorAgent, 'blocked'> {
  if (blocks.some(({ kind, name }) => kind === 'agent' && name === agent)) return { blocked: 'agent' }
  // bound: one call
  const sites = new Set(blocks.filter(({ kind }) => kind === 'site').map(({ name }) => name))
  return isIdentifier(agent, { development: true }) && isOfSite(agent, sites) ? { blocked: 'site' } : {}
}
