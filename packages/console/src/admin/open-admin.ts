import { rateLimit } from '@countersign/auth-server/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { clientOf, createVerifier } from '@countersign/verify'
import type { AdminContext, AdminParts } from './admin-context.js'
import { type AdminOptions, checkAdminOptions } from './admin-options.js'
import { answerAdmin } from './admin-routes.js'

/** The admin page of an auth server: a participant for a port of its own. */
export interface AdminPage {
  /** Answers one request: the page, its files and its calls. 404 for other paths. */
  handle(message: ReceivedMessage): Promise<Response>
}

/** Requests of one browser that is signed in. */
const mostRequests = { most: 1200, seconds: 60 }

/** Opens the admin page. @throws TypeError, RangeError for unfit options */
export function openAdmin(options: AdminOptions, parts: AdminParts): AdminPage {
  const lives = checkAdminOptions(options)
  const { origin, rulesOf } = options
  const { now, discovery } = parts
  const context: AdminContext = {
    ...parts,
    ...lives,
    origin,
    rulesOf,
    verifier: createVerifier({
      receiver: origin,
      discovery,
      // Inline keys only: no agent, and no token of one, gets in here.
      accept: ['hwk'],
      now,
      development: true,
    }),
    limit: rateLimit({ ...mostRequests, now }),
    client: clientOf(options),
  }
  return { handle: answerAdmin(context) }
}
