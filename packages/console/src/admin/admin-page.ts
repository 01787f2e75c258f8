import type { AuthServer } from '@countersign/auth-server'
import { lentBy } from '@countersign/auth-server/internal'
import { contextOf, operatorIn } from '../operator/open-operator.js'
import type { AdminOptions } from './admin-options.js'
import { type AdminPage, openAdmin } from './open-admin.js'

/**
 * Makes the admin page of an auth server: lists, revokes and blocks in a browser. Serve it on a port of its own; admins sign in with links
 * of `operatorOf(auth).admins.add`, never with a session of a user. It needs no closing, and no longer answers once the server is closed.
 * @throws TypeError for an unfit option, or what is no auth server of `createAuthServer`; RangeError for a time that is out of range
 * @example
 * ```ts
 * import { createAuthServer } from '@countersign/auth-server'
 * import { adminPage, operatorOf } from '@countersign/console'
 * import { keysFile, serve } from '@countersign/server'
 *
 * const auth = await createAuthServer({
 *   issuer: 'https://auth.example',
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 * })
 * const origin = 'https://admin.example' // a proxy in front ends TLS
 * await serve({ name: 'admin', id: origin, host: '127.0.0.1', port: 8444, participant: adminPage(auth, { origin }) })
 * const link = await operatorOf(auth).admins.add({ name: 'ada', origin })
 * ```
 */
export function adminPage(server: AuthServer, options: AdminOptions): AdminPage {
  const operating = contextOf(server)
  return openAdmin(options, {
    ...lentBy(server),
    operatorOf: told => operatorIn({ ...operating, report: told }),
  })
}
