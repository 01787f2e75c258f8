import { randomUUID } from 'node:crypto'
import type { Also } from '@countersign/audit/internal'
import { refusal } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { type ConsentKey, type RememberedYes, rememberedYes } from '../grant/consents.js'
import { checkStopped } from '../grant/stopped.js'
import { conditionsText } from '../mandate/conditions-text.js'
import { upstreamName } from '../revocation/notices.js'
import type { ExchangedRow } from '../tables/revocation-tables.js'
import type { Tables } from '../tables/tables.js'
import { type OwnMandates, rootOf } from './own-mandate.js'
import type { Upstream } from './upstream-token.js'

/** An exchange that was decided. */
export interface DecidedExchange {
  readonly upstream: Upstream
  readonly agent: string
  readonly delegate: string | undefined
  readonly resource: string
  /** `sub` of the upstream user here, where there is one. */
  readonly user: string | undefined
  /** The consent that decided it, where that was remembered: it must still stand as it was read. */
  readonly remembered?: { readonly key: ConsentKey; readonly yes: RememberedYes } | undefined
}

/** Grants that came of others by exchange: they are named, so that they can be revoked with those. */
export interface ExchangedGrants {
  /**
   * Names the grant of an exchange, the same for each token of it, in a transaction that sees the upstream grant alive. A token of it
   * must not have a later `iat` than the call.
   * @param also written in that transaction
   * @returns undefined where the upstream token names no grant: then the tokens cannot be revoked
   * @throws AAuthError `invalid_auth_token` (400) when the upstream grant has ended; `access_denied` when the user has taken the
   * remembered consent back, or told the agent to stop asking
   * @see protocol §6.6
   */
  open(exchange: DecidedExchange, also?: Also): Promise<string | undefined>
}

/** Queries over the table. */
// unchecked options {}: only the desk, the console and tests call it, and TypeScript checks them
export function exchangedGrantsIn(
  store: Store<Tables>,
  now: () => number,
  { issuer, mandates }: { readonly issuer: string; readonly mandates: OwnMandates },
): ExchangedGrants {
  return {
    open: (exchange, also) =>
      store.write(async tx => {
        const { upstream, agent, user } = exchange
        await mandates.check(upstream, { caller: agent, user, db: tx })
        await checkRemembered(tx, exchange, now())
        if (user !== undefined) await checkStopped(tx, { user_sub: user, agent, resource: exchange.resource })
        await also?.(tx)
        if (upstream.grant === undefined) return undefined
        const root = upstream.iss === issuer ? await rootOf(tx, upstream.grant) : null
        return upsert(tx, rowOf(exchange, upstream.grant, root))
      }),
  }
}

/** The user may have taken it back since it was read: no token may come of it then (ACC-09). */
async function checkRemembered(tx: Store<Tables>['db'], { remembered }: DecidedExchange, now: number): Promise<void> {
  if (remembered === undefined) return
  const { key, yes } = remembered
  const held = await rememberedYes(tx, key, { scope: yes.scope, now })
  // Narrowed in the meantime, it is another yes.
  const isSame = conditionsText(held.conditions) === conditionsText(yes.conditions)
  if (held.scope.length === yes.scope.length && isSame) return
  throw refusal('user_refused', { about: 'the consent was taken back' })
}

function rowOf(
  { upstream, agent, delegate = '', resource, user }: DecidedExchange,
  grant: string,
  root: string | null,
): ExchangedRow {
  return {
    name: randomUUID(),
    upstream: upstreamName(upstream.iss, grant),
    root,
    agent,
    agent_delegate: delegate,
    resource,
    user_sub: user ?? null,
    exp: upstream.exp,
  }
}

async function upsert(tx: Store<Tables>['db'], row: ExchangedRow): Promise<string> {
  const { name } = await tx
    .insertInto('auth_server_exchanged')
    .values(row)
    .onConflict(on =>
      on
        .columns(['upstream', 'agent', 'agent_delegate', 'resource'])
        // The latest end: a token of an earlier exchange may live longer than this one.
        .doUpdateSet(eb => ({
          exp: eb
            .case()
            .when('auth_server_exchanged.exp', '<', row.exp)
            .then(row.exp)
            .else(eb.ref('auth_server_exchanged.exp'))
            .end(),
        })),
    )
    .returning('name')
    .executeTakeFirstOrThrow()
  return name
}
