import type { NotedAlarm } from '@countersign/auth-server/internal'
import { loadOf } from '@countersign/auth-server/internal'
import type { AdminCaller, AdminContext } from './admin-context.js'

/** What an admin sees first. */
export interface Overview {
  readonly issuer: string
  /** The name of the admin. */
  readonly admin: string
  /** Unix seconds. */
  readonly now: number
  /** Requests that wait for a user or an agent, and notices that wait for their resource; at most 10 000 are counted. */
  readonly requests: number
  readonly notices: number
  /** Blocks of agents, delegates and sites. */
  readonly blocks: number
  readonly admins: number
  /** Alarms of this instance since it started, the newest first. */
  readonly alarms: readonly NotedAlarm[]
}

/** Gathers the overview. */
export async function overview({ name, operator }: AdminCaller, context: AdminContext): Promise<Overview> {
  const now = context.now()
  const [{ requests, notices }, blocks, admins] = await Promise.all([
    loadOf(context.store, now),
    operator.agents.blocks(),
    operator.admins.list(),
  ])
  const counts = { requests, notices, blocks: blocks.length, admins: admins.length }
  const { issuer, alarms } = context
  return { issuer, admin: name, now, ...counts, alarms: alarms.list() }
}
