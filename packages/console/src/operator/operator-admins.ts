import { randomBytes } from 'node:crypto'
import type { Tables } from '@countersign/auth-server/internal'
import { sha256 } from '@countersign/auth-server/internal'
import { isIdentifier } from '@countersign/protocol'
import { checkOptions } from '@countersign/protocol/internal'
import type { Store } from '@countersign/store'
import { isLive } from './admin-keys.js'
import type { OperatorContext } from './operator-context.js'

/** Seconds that a link is good for. */
const linkLifetime = 600
/** Links that wait, and browsers of all admins. */
const most = 1000
/** Names stand in logs and on pages: plain ASCII, without spaces. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/

/** A link that signs one browser in at the admin page. */
export interface AdminLink {
  /** For one person: it works once. Its secret stands in the fragment, which no server and no log receives. */
  readonly url: string
  /** Unix seconds. */
  readonly expires: number
}

/** A browser that is signed in at the admin page. Times are Unix seconds. */
export interface AdminBrowser {
  /** Thumbprint of its key (RFC 7638). */
  readonly key: string
  readonly created: number
  readonly last_used: number
  readonly expires: number
}

/** An admin, with the browsers that are signed in. */
export interface OperatorAdmin {
  readonly name: string
  readonly browsers: readonly AdminBrowser[]
  /** Links that wait to be opened. */
  readonly links: number
}

/** Who may use the admin page of an auth server. */
export interface OperatorAdmins {
  /**
   * Makes a link with which a browser signs in as this admin, a new one or one that is there. It is good for 10 minutes, and once.
   * @throws TypeError for an unfit name or origin; RangeError where 1000 links or browsers are there
   */
  add(admin: {
    /** 1 to 64 letters, digits and `._@+-`; it stands in every event of what they do. */
    readonly name: string
    /** The origin of the admin page, such as `https://admin.example`. */
    readonly origin: string
  }): Promise<AdminLink>
  /** All admins with a browser that is signed in, or a link that waits, by name. */
  list(): Promise<readonly OperatorAdmin[]>
  /** Signs an admin out in all browsers, at once, and ends their links. Resolves with how many browsers and links ended. */
  remove(name: string): Promise<number>
}

/** Queries over the tables. */
export function operatorAdmins(context: OperatorContext): OperatorAdmins {
  const { store, now, report } = context
  return {
    async add(admin) {
      checkOptions('admins.add', admin, { name: 'string', origin: 'string' }, ['name', 'origin'])
      const { name, origin } = admin
      if (!nameForm.test(name))
        throw new TypeError(
          'the name of an admin is 1 to 64 letters, digits and ._@+-, and begins with a letter or digit',
        )
      checkAdminOrigin(origin)
      const secret = randomBytes(32).toString('base64url')
      const created = now()
      const row = { secret_hash: sha256(secret), name, created, expires: created + linkLifetime }
      await store.write(
        async tx => {
          await insertLink(tx, row)
          await report.within(tx, { type: 'admin_invited', admin: name })
        },
        { alone: 'operator' },
      )
      return { url: `${origin}/#enrol=${secret}`, expires: Math.floor(row.expires) }
    },

    list: () => adminsIn(store.db, now()),

    remove: name =>
      store.write(async tx => {
        const links = await tx.deleteFrom('auth_server_admin_links').where('name', '=', name).executeTakeFirstOrThrow()
        const keys = await tx.deleteFrom('auth_server_admin_keys').where('name', '=', name).executeTakeFirstOrThrow()
        const ended = Number(links.numDeletedRows + keys.numDeletedRows)
        if (ended > 0) await report.within(tx, { type: 'admin_removed', admin: name })
        return ended
      }),
  }
}

/** Browsers keep keys for the page of https origins, and of this machine, only. @throws TypeError for another origin */
export function checkAdminOrigin(origin: string): void {
  if (!isIdentifier(origin, { development: true }))
    throw new TypeError('the origin of the admin page is https://HOST, or http://localhost:PORT on this machine')
}

async function insertLink(
  tx: Store<Tables>['db'],
  row: { readonly secret_hash: string; readonly name: string; readonly created: number; readonly expires: number },
): Promise<void> {
  await tx.deleteFrom('auth_server_admin_links').where('expires', '<=', row.created).execute()
  for (const table of ['auth_server_admin_links', 'auth_server_admin_keys'] as const) {
    const { count } = await tx
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .executeTakeFirstOrThrow()
    if (Number(count) >= most) throw new RangeError('1000 links or browsers of admins are there: remove some')
  }
  await tx.insertInto('auth_server_admin_links').values(row).execute()
}

async function adminsIn(db: Store<Tables>['db'], now: number): Promise<OperatorAdmin[]> {
  const [keys, links] = await Promise.all([
    db.selectFrom('auth_server_admin_keys').selectAll().orderBy('created').execute(),
    db.selectFrom('auth_server_admin_links').selectAll().where('expires', '>', now).execute(),
  ])
  const live = keys.filter(key => isLive(key, now))
  const names = [...new Set([...live, ...links].map(({ name }) => name))].toSorted((a, b) => (a < b ? -1 : 1))
  return names.map(name => ({
    name,
    browsers: live
      .filter(key => key.name === name)
      .map(({ thumbprint: key, created, last_used, expires }) => ({ key, created, last_used, expires })),
    links: links.filter(link => link.name === name).length,
  }))
}
