import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { checkOptions, refusal } from '@countersign/protocol/internal'
import { checkDelegation, type Delegation } from '../delegation/delegation.js'
import { type Enrollment, qualifyOwnName } from './enrollment.js'

/** The user and browser of a session. Both are shown in `sub`, in lists and in logs: neither may be a secret such as a cookie. */
export interface SignedInSession {
  /** The user's name at your server. It must never change. */
  readonly user: string
  /** Names the browser: the same after a reload, different in another browser. */
  readonly device: string
  /** What this browser may be used for, and where. Default: no conditions. */
  readonly delegation?: Delegation
}

/** How {@link session} enrols. */
export interface SessionOptions {
  /** Finds the signed-in session of a request, e.g. by its cookies; undefined when there is none. */
  authenticate(message: ReceivedMessage): SignedInSession | undefined | Promise<SignedInSession | undefined>
}

/**
 * Enrolment of a browser by its signed-in session at this origin, `{"type":"session"}`. Only pages of this origin may enrol: the
 * request is JSON, its `Origin` is the agent identifier, and the new key signs it. The enrolment of the user's delegates is
 * `session:USER`.
 * @see protocol §5 "Enrolment"
 */
export function session(options: SessionOptions): Enrollment {
  checkOptions('session', options, { authenticate: 'function' }, ['authenticate'])
  return {
    type: 'session',
    open:
      ({ id, delegations }) =>
      async ({ message }) => {
        checkOrigin(message, id)
        const found = await options.authenticate(message)
        if (found === undefined) throw refusal('session_missing')
        const { user, device, delegation } = found
        if (device === '') throw new TypeError('device must not be empty')
        return {
          sub: qualifyOwnName('session', `${escaped(user)}/${escaped(device)}`),
          enrollment: qualifyOwnName('session', user),
          // `null` is a wrong delegation, not an absent one: with no conditions the browser could do more.
          delegation: delegation === undefined ? undefined : checkDelegation(delegation, delegations),
        }
      },
  }
}

/** CSRF: browsers send cookies with the requests of any site, which could make its own key a delegate of the user. */
function checkOrigin(message: ReceivedMessage, id: string): void {
  const origins = headerValues(message, 'origin')
  const sites = headerValues(message, 'sec-fetch-site')
  if (origins.length === 1 && origins[0] === id && sites.every(site => site === 'same-origin')) return
  throw refusal('origin_not_allowed', { code: 'unauthorized_client' })
}

/** Escapes a name, so that joined names are never equal to other ones. */
function escaped(name: string): string {
  return name.replace(/[%/]/g, char => encodeURIComponent(char))
}
