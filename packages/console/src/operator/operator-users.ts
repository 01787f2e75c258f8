import type { Tables, UserRow } from '@countersign/auth-server/internal'
import { claimsOf, findBlock, sessionIdle, sessionLife } from '@countersign/auth-server/internal'
import { checkOptions } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { identitiesOf, passkeysOf } from '@countersign/user-desk/internal'
import { type Blocked, block, type OperatorContext, unblock } from './operator-context.js'
import { type OperatorPage, type PageOptions, pageIn, pageOf } from './page.js'

/** Which users to list. */
export interface UserListOptions extends PageOptions {
  /** The `sub`, or the beginning of the name or the e-mail address, in any case. Default: all users. */
  readonly search?: string
  /** Only users who are blocked. Default false. */
  readonly blocked?: boolean
}

/** A user, as an operator sees them. Times are Unix seconds. */
export interface OperatorUser {
  readonly sub: string
  readonly name?: string
  readonly email?: string
  readonly created: number
  readonly last_login: number
  /** Since when they are blocked. */
  readonly blocked?: number
}

/** A user with their ways to sign in and what they allowed. */
export interface OperatorUserDetails extends OperatorUser {
  readonly passkeys: ReadonlyArray<{ readonly name: string; readonly created: number; readonly last_used: number }>
  /** Accounts at login providers. */
  readonly accounts: ReadonlyArray<{
    readonly provider: string
    readonly issuer: string
    readonly subject: string
    readonly last_used: number
  }>
  /** Browsers that are signed in. */
  readonly sessions: number
  readonly grants: number
}

/** The users of an auth server, for its operator. */
export interface OperatorUsers {
  /** Lists users in the order of `sub`. @throws TypeError for an unknown option; RangeError for an unfit `limit` */
  list(options?: UserListOptions): Promise<OperatorPage<OperatorUser>>
  /** A user; undefined where there is none. */
  show(sub: string): Promise<OperatorUserDetails | undefined>
  /** Signs a user out everywhere, ends all that they allowed, and lets them in no more; undefined where there is no such user. */
  block(sub: string): Promise<Blocked | undefined>
  /** Lets a user sign in again; false where they were not blocked. */
  unblock(sub: string): Promise<boolean>
}

/** Rows that one statement of a search reads. */
const chunk = 1000

type Database = Store<Tables>['db']

/** Queries over the tables. */
export function operatorUsers(context: OperatorContext): OperatorUsers {
  const { store, now } = context
  return {
    async list(options = {}) {
      checkOptions(
        'users.list',
        options,
        { after: 'string', limit: 'number', search: 'string', blocked: 'boolean' },
        [],
      )
      const { after, limit } = pageIn(options)
      const { search = '', blocked = false } = options
      const rows = await findUsers(store.db, { after, limit: limit + 1, search, blocked })
      return pageOf(rows, { limit, keyOf: ({ sub }) => sub, itemOf: userOf })
    },

    async show(sub) {
      const [row] = await usersAfter(store.db, { after: '', limit: 1, blocked: false }, sub)
      return row === undefined ? undefined : detailsOf(store.db, row, now())
    },

    async block(sub) {
      const blocking = blockOf(sub)
      const [user] = await usersAfter(store.db, { after: '', limit: 1, blocked: false }, sub)
      if (user === undefined && (await findBlock(store.db, blocking)) === undefined) return undefined
      return block(blocking, context)
    },

    unblock: sub => unblock(blockOf(sub), context),
  }
}

function blockOf(sub: string): { readonly kind: 'user'; readonly name: string; readonly agent_delegate: '' } {
  return { kind: 'user', name: sub, agent_delegate: '' }
}

type Row = UserRow & { readonly blocked: number | null }

interface Walk {
  readonly after: string
  readonly limit: number
  readonly blocked: boolean
  readonly search?: string
}

/** Walks the table in the order of its key: claims are JSON, of which no index holds names. */
async function findUsers(db: Database, { search, ...walk }: Walk & { readonly search: string }): Promise<Row[]> {
  if (search === '') return usersAfter(db, walk)
  const fits = searchOf(search)
  // bound: one call: fewer rows than limit, and a chunk of 1000
  const found: Row[] = []
  for (let { after } = walk; ; ) {
    const rows = await usersAfter(db, { ...walk, after, limit: chunk, search })
    found.push(...rows.filter(fits))
    const last = rows.at(-1)
    if (last === undefined || rows.length < chunk || found.length >= walk.limit) return found.slice(0, walk.limit)
    after = last.sub
  }
}

/** What the JSON of a fitting user holds, and of some others: databases fold the case of few letters, and escape few as JSON does. */
function patternsOf(search: string): string[] {
  const beginning = search.toLowerCase().replaceAll(/[^a-z0-9 @.+-]/g, '%')
  return ['name', 'email'].map(member => `%"${member}":"${beginning}%`)
}

function searchOf(search: string): (row: Row) => boolean {
  const beginning = search.toLowerCase()
  return ({ sub, claims }) => {
    const { name = '', email = '' } = claimsOf(claims)
    return sub === search || [name, email].some(text => text.toLowerCase().startsWith(beginning))
  }
}

function usersAfter(db: Database, { after, limit, blocked, search }: Walk, sub?: string): Promise<Row[]> {
  const all = db
    .selectFrom('auth_server_users as user')
    .leftJoin('auth_server_blocks as block', join =>
      join.onRef('block.name', '=', 'user.sub').on('block.kind', '=', 'user').on('block.agent_delegate', '=', ''),
    )
    .selectAll('user')
    .select('block.created as blocked')
    .where('user.sub', '>', after)
    .orderBy('user.sub')
    .limit(limit)
  const users =
    search === undefined
      ? all
      : all.where(({ or, eb, fn }) =>
          or([
            eb('user.sub', '=', search),
            ...patternsOf(search).map(pattern => eb(fn<string>('lower', ['user.claims']), 'like', pattern)),
          ]),
        )
  const named = sub === undefined ? users : users.where('user.sub', '=', sub)
  return (blocked ? named.where('block.created', 'is not', null) : named).execute()
}

function userOf({ sub, claims, created, last_login, blocked }: Row): OperatorUser {
  const { name, email } = claimsOf(claims)
  return {
    sub,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    created,
    last_login,
    ...(blocked === null ? {} : { blocked }),
  }
}

async function detailsOf(db: Database, row: Row, now: number): Promise<OperatorUserDetails> {
  const { sub } = row
  const [passkeys, accounts, sessions, grants] = await Promise.all([
    passkeysOf(db, sub),
    identitiesOf(db, sub),
    db
      .selectFrom('auth_server_sessions')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .where('sub', '=', sub)
      .where('last_used', '>', now - sessionIdle)
      .where('created', '>', now - sessionLife)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('auth_server_grants')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .where('user_sub', '=', sub)
      .executeTakeFirstOrThrow(),
  ])
  return {
    ...userOf(row),
    passkeys: passkeys.map(({ name, created, last_used }) => ({ name, created, last_used })),
    accounts: accounts.map(({ provider, issuer, subject, last_used }) => ({ provider, issuer, subject, last_used })),
    sessions: Number(sessions.count),
    grants: Number(grants.count),
  }
}
