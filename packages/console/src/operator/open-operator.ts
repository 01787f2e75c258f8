import type { AuthServer, AuthServerEvent } from '@countersign/auth-server'
import { authServerKind, lentBy, migrations, room, type Tables } from '@countersign/auth-server/internal'
import { openBeside, operatorKeys } from '@countersign/issuer/internal'
import { checkIdentifier, checkOptions } from '@countersign/protocol/internal'
import { type EpochKeeper, type OperatorKeys, openStore } from '@countersign/store'
import { type OperatorAdmins, operatorAdmins } from './operator-admins.js'
import { type OperatorAgents, operatorAgents } from './operator-agents.js'
import { type OperatorAudit, operatorAudit } from './operator-audit.js'
import type { OperatorContext } from './operator-context.js'
import { type OperatorGrants, operatorGrants } from './operator-grants.js'
import { type OperatorUsers, operatorUsers } from './operator-users.js'

/** How the database of an auth server is opened for its operator. */
export interface OperatorOptions {
  /** The issuer of the auth server. */
  readonly issuer: string
  /** Its database; it may be running. */
  readonly database: string
  /** That of the auth server, see `AuthServerOptions`. Default: none. */
  readonly epoch?: EpochKeeper
  /** Loopback http identifiers are accepted. Default false. */
  readonly development?: boolean
  /** Unix seconds. */
  readonly now?: () => number
  /** Receives one event per change; must not throw. */
  readonly onEvent?: (event: AuthServerEvent) => void
}

/** What an operator may look at and end. */
export interface Operator {
  readonly users: OperatorUsers
  readonly grants: OperatorGrants
  readonly agents: OperatorAgents
  /** The audit log, where the server keeps one. */
  readonly audit: OperatorAudit
  readonly admins: OperatorAdmins
  /** The server's own keys. */
  readonly keys: OperatorKeys
}

/** An operator's access to a database. */
export interface OpenOperator extends Operator {
  close(): Promise<void>
}

/**
 * Opens the database of an auth server for its operator, to list, revoke and block. Running servers on the same database know of a
 * block within 5 seconds, and tell the resources. One of them must run, or start later, for the notices to go out.
 * @throws TypeError for an unfit option; StoreError `restored` when the database is behind `epoch`
 * @see protocol §6.6
 * @example
 * ```ts
 * import { openOperator } from '@countersign/console'
 *
 * const operator = await openOperator({ issuer: 'https://auth.example', database: 'sqlite:auth.db' })
 * await operator.agents.block({ agent: 'https://stolen.example' })
 * await operator.close()
 * ```
 */
export async function openOperator(options: OperatorOptions): Promise<OpenOperator> {
  checkOptions(
    'openOperator',
    options,
    {
      issuer: 'string',
      database: 'string',
      epoch: 'object',
      development: 'boolean',
      now: 'function',
      onEvent: 'function',
    },
    ['issuer', 'database'],
  )
  const { issuer, database, development = false, now = () => Date.now() / 1000 } = options
  checkIdentifier('issuer', issuer, { development })
  const nothing = (): void => undefined
  const { store, report, audit, close } = await openBeside<Tables, AuthServerEvent>(
    await openStore<Tables>({ url: database, room, migrations }),
    authServerKind,
    { epoch: options.epoch, now, onEvent: options.onEvent ?? nothing },
  )
  const context = { store, issuer, development, now, report, audit }
  return {
    ...operatorIn({ ...context, onEnded: nothing, onBlocked: nothing, onKeysChanged: nothing }),
    close,
  }
}

/**
 * Lists, revokes and blocks at a running auth server, which knows of these blocks at once. From another process: {@link openOperator}.
 * @throws TypeError for what is no auth server of `createAuthServer`
 */
export function operatorOf(server: AuthServer): Operator {
  return operatorIn(contextOf(server))
}

/** What operators of a running server work with. */
export function contextOf(server: AuthServer): OperatorContext {
  const { store, issuer, now, onEnded, development, report, audit, rotation, blocks, keys } = lentBy(server)
  return {
    store,
    issuer,
    now,
    onEnded,
    development,
    report,
    audit,
    rotation,
    onBlocked: blocks.changed,
    onKeysChanged: keys.changed,
  }
}

/** What an operator may do with the database of a context. */
export function operatorIn(context: OperatorContext): Operator {
  const { rotation, now, onKeysChanged } = context
  return {
    users: operatorUsers(context),
    grants: operatorGrants(context),
    agents: operatorAgents(context),
    audit: operatorAudit(context),
    admins: operatorAdmins(context),
    keys: operatorKeys(context, authServerKind, { keys: rotation, now, onChanged: onKeysChanged }),
  }
}
