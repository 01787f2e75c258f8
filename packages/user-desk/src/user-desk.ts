import type { Desk } from '@countersign/auth-server'
import { countsIn, type DeskServer, deskOf, rememberedYes, type UserDesk } from '@countersign/auth-server/internal'
import { ownQuestionsIn } from './approval/account-approvals.js'
import { approvalPagesOf } from './approval/approval-pages.js'
import { createLinking } from './consent/create-linking.js'
import { createGuesses } from './consent/guesses.js'
import { signInCauses } from './consent/sign-in-causes.js'
import { checkLoginMethods } from './login/login-method.js'
import { createLogin } from './login/sign-in.js'
import { checkUserDeskOptions, type UserDeskOptions } from './options.js'
import { brandOf } from './pages/brand.js'
import { claimedLogos } from './pages/claimed-logo.js'
import { createLooks } from './pages/look.js'
import { createPageLimit } from './pages/page-limit.js'
import { type DeskContext, deskRoutes, overPageLimit } from './routes.js'

/**
 * Makes the desk of an auth server: where users sign in, are asked, and see what they gave.
 * @throws TypeError for an unknown or unfit option; RangeError where `pagesPerMinute` is below 1
 * @see protocol §6.3
 * @example
 * ```ts
 * import { askUsers, createAuthServer } from '@countersign/auth-server'
 * import { keysFile, serve } from '@countersign/server'
 * import { demoUsers, userDesk } from '@countersign/user-desk'
 *
 * const auth = await createAuthServer({
 *   issuer: 'http://localhost:8443',
 *   development: true,
 *   keys: await keysFile('auth-keys.json'),
 *   database: 'sqlite:auth.db',
 *   policy: askUsers([{ agents: 'any', resources: 'any' }]),
 *   desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }),
 * })
 * await serve({ name: 'auth-server', id: 'http://localhost:8443', port: 8443, participant: auth, development: true })
 * ```
 */
export function userDesk(options: UserDeskOptions): Desk {
  checkUserDeskOptions(options)
  return deskOf({
    check: o => checkLoginMethods(options.login, o),
    open: server => openDesk(options, server),
  })
}

function openDesk(options: UserDeskOptions, server: DeskServer): UserDesk {
  const context = contextOf(options, server)
  const { sessions, signIn } = context.login
  return {
    ...deskRoutes(context),
    overLimit: message => overPageLimit(message, context),
    session: async message => (await sessions.current(message))?.user,
    signIn: (message, returnTo) => signIn(message, { returnTo }),
  }
}

function contextOf(options: UserDeskOptions, server: DeskServer): DeskContext {
  const { store, now, development, issuer, report, requests, blocks, exchange } = server
  const looks = createLooks(issuer.issuer, brandOf(options.branding))
  const login = createLogin({
    issuer: issuer.issuer,
    looks,
    methods: options.login,
    store,
    now,
    development,
    report,
    blocked: blocks,
    causeOf: signInCauses(requests, now),
  })
  const pages: Omit<DeskContext, 'approvalPages'> = {
    ...server,
    login,
    looks,
    linking: exchange && createLinking(exchange, { ...server, login, looks }),
    remembered: (key, scope) => rememberedYes(store.db, key, { scope, now: now() }),
    defaults: options.consentDefaults ?? {},
    logos: claimedLogos({ now, development, fetcher: options.logoFetcher }),
    guesses: createGuesses(countsIn(store, now), server),
    limit: createPageLimit(options.pagesPerMinute ?? 300, now),
    questions: ownQuestionsIn(store, now),
  }
  return { ...pages, approvalPages: approvalPagesOf({ ...pages, approvals: server.approvals }) }
}
