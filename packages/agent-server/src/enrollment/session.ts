import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, checkOptions } from '@countersign/protocol'
import { type Enrollment, ownNameWithin, refusedEnrollment } from './enrollment.js'

/** Whose browser it is. Both stand in `sub`, in lists and in logs: neither may be a secret such as the session's cookie. */
export interface SignedInSession {
  /** The user's name at your server, the same for ever. */
  readonly user: string
  /** Which browser of theirs: the same after a reload, another in another browser. */
  readonly device: string
}

/** How {@link session} enrols. */
export interface SessionOptions {
  /** Finds the signed-in session of a request, by its cookies say; undefined when there is none. */
  authenticate(message: ReceivedMessage): SignedInSession | undefined | Promise<SignedInSession | undefined>
}

/**
 * Enrolment of a browser by the session it is signed in with at this very origin, `{"type":"session"}`. Only pages of the origin
 * itself may ask: the request is JSON, its `Origin` is the agent identifier, and it is signed by the new key like any other.
 * The user's delegates came by `session:USER`.
 * @see protocol §5 "Enrolment"
 */
export function session(options: SessionOptions): Enrollment {
  checkOptions('session', options, { authenticate: 'function' }, ['authenticate'])
  return {
    type: 'session',
    open:
      ({ id }) =>
      async ({ message }) => {
        checkOrigin(message, id)
        const found = await options.authenticate(message)
        if (found === undefined) throw refusedEnrollment('there is no signed-in session')
        const { user, device } = found
        if (device === '') throw new TypeError('device must not be empty')
        return {
          sub: ownNameWithin('session', `${escaped(user)}/${escaped(device)}`),
          enrollment: ownNameWithin('session', user),
        }
      },
  }
}

/** Cookies come along with any page's request: another site's must not make its own key a delegate of our user. */
function checkOrigin(message: ReceivedMessage, id: string): void {
  const origins = headerValues(message, 'origin')
  const sites = headerValues(message, 'sec-fetch-site')
  if (origins.length === 1 && origins[0] === id && sites.every(site => site === 'same-origin')) return
  throw new AAuthError('unauthorized_client', 'a session enrols pages of the agent server itself only')
}

/** Two names stay two side by side. */
function escaped(name: string): string {
  return name.replace(/[%/]/g, char => encodeURIComponent(char))
}
