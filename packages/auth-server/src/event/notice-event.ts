import type { NoticeRow } from '../tables/revocation-tables.js'

/** What became of a notice to a resource that a grant has ended. Of tries that fail, only the first is told. */
export interface NoticeEvent {
  readonly type: 'notice'
  /** `no_endpoint`: the resource cannot be told, and the tokens end by themselves. `failed`: it is tried again. */
  readonly outcome: 'told' | 'no_endpoint' | 'failed'
  /** Status of its answer; absent where there was none. */
  readonly status?: number
  readonly resource: string
  /** `grant` of the tokens. */
  readonly grant: string
  readonly agent: string
  readonly delegate?: string
  /** `sub` of the user who had allowed it. */
  readonly user?: string
}

/** The event of a notice. */
export function noticeEvent(
  { resource, grant_name, agent, agent_delegate, user_sub }: NoticeRow,
  { outcome, status }: { readonly outcome: NoticeEvent['outcome']; readonly status: number | null },
): NoticeEvent {
  return {
    type: 'notice',
    outcome,
    ...(status === null ? {} : { status }),
    resource,
    grant: grant_name,
    agent,
    ...(agent_delegate === '' ? {} : { delegate: agent_delegate }),
    ...(user_sub === null ? {} : { user: user_sub }),
  }
}
