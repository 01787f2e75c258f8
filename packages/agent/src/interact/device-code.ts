import { checkOptionsOffPage } from '@countersign/protocol'
import { AgentError, refusalOf } from '../error.js'
import { canonicalScope, type Grant } from '../grant/grants.js'
import {
  type GrantInteraction,
  type Interact,
  type InteractContext,
  noInteraction,
  secondsToDecide,
  type UserInteraction,
} from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import { userUrl } from '../grant/user-url.js'
import { invalidAnswerError } from '../wire/participant.js'

/** What to show the user, who decides on another device. */
export interface DeviceCode {
  /** Where to type in the code. No link holds the code, since an attacker could send such a link (phishing). */
  readonly verification_uri: string
  /** The code: printable ASCII. */
  readonly user_code: string
  /** Seconds until the code expires. */
  readonly expires_in: number
  /** The key given to `forUser`. */
  readonly user?: string
  readonly issuer: string
  readonly resource: string
  readonly scope: string
}

/** Options of {@link deviceCode}. */
export interface DeviceCodeOptions {
  /** Shows the user where to go and what to type in there. Calls then wait for the user. */
  readonly show: (code: DeviceCode) => void | Promise<void>
  /**
   * How users are asked when the auth server does not let this agent show a code, or a resource asks its user itself; for
   * example a `loopback` that prints the URL. Default: users are not asked then.
   */
  readonly otherwise?: Interact
}

/** A checked answer to a device request. The user sees `shown` only. */
interface Device {
  readonly deviceCode: string
  readonly interval: number
  readonly shown: DeviceCode
}

/**
 * Asks users on another device, where they type in a code: for agents without a browser. The auth server must allow this
 * agent to show codes; if it does not, the agent goes on with `otherwise`, or without a user.
 * @see protocol §6.2 `device_auth`, §6.3; RFC 8628
 */
export function deviceCode(options: DeviceCodeOptions): Interact {
  checkOptionsOffPage('deviceCode', options, { show: 'function', otherwise: 'object' })
  const { show, otherwise } = options
  if (typeof show !== 'function') throw new TypeError('show must be a function that shows the code to the user')
  return Object.freeze({
    kind: 'device',
    open: (context: InteractContext): UserInteraction => {
      const other = otherwise?.open(context) ?? noInteraction()
      return { ...other, obtainGrant: interaction => obtainGrant(interaction, { show, other }, context) }
    },
  })
}

async function obtainGrant(
  interaction: GrantInteraction,
  { show, other }: Pick<DeviceCodeOptions, 'show'> & { readonly other: UserInteraction },
  context: InteractContext,
): Promise<Grant> {
  const first = await interaction.begin({ request_type: 'device_auth' }).catch(error => {
    const refused = refusalOf(error)?.error
    if (refused !== 'unauthorized_client' && refused !== 'unsupported_request_type') throw error
    return undefined
  })
  // Without a code to show, a request that needs no user can still be granted.
  if (first === undefined) return other.obtainGrant(interaction)
  if (first.grant !== undefined) return first.grant
  const device = checkDeviceAnswer(first.answer, interaction, context)
  const { issuer } = device.shown
  interaction.tell(
    issuer,
    'interact',
    `a user must agree at ${issuer} to ${device.shown.scope} at ${device.shown.resource}`,
  )
  await show(device.shown)
  return poll(device, interaction, context)
}

/** Checks that an answer is safe to show: control characters in a code could rewrite the terminal around it (terminal injection). */
function checkDeviceAnswer(
  answer: Readonly<Record<string, unknown>>,
  { asked, user }: GrantInteraction,
  context: InteractContext,
): Device {
  const { device_code, user_code, verification_uri, expires_in, interval = 5 } = answer
  const { issuer, resource, scope } = asked
  if (typeof device_code !== 'string' || device_code === '' || device_code.length > 4096)
    throw invalidAnswerError('auth server', 'device_code')
  if (typeof user_code !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(user_code))
    throw invalidAnswerError('auth server', 'user_code')
  const url = userUrl(verification_uri, context)
  if (url === undefined) throw invalidAnswerError('auth server', 'verification_uri')
  const seconds = secondsToDecide(expires_in)
  if (seconds === undefined) throw invalidAnswerError('auth server', 'expires_in')
  if (typeof interval !== 'number' || !(interval > 0)) throw invalidAnswerError('auth server', 'interval')
  const who = { ...(user === undefined ? {} : { user }), issuer, resource, scope: canonicalScope(scope) }
  return {
    deviceCode: device_code,
    // The auth server must not make the agent flood it, nor wait for hours.
    interval: Math.min(Math.max(interval, 1), 60),
    shown: { verification_uri: url, user_code, expires_in: seconds, ...who },
  }
}

/** Errors of an auth server that waits for its user, and the seconds that each adds to the pause (RFC 8628 §3.5). */
const pendingErrors: Readonly<Record<string, number>> = { authorization_pending: 0, slow_down: 5 }

async function poll(
  { deviceCode, interval, shown }: Device,
  interaction: GrantInteraction,
  context: InteractContext,
): Promise<Grant> {
  const { asked, abandoned } = interaction
  const form = { request_type: 'device_code', device_code: deviceCode }
  let pause = interval
  // Counted in seconds slept, so that a clock that is set back cannot keep it going.
  for (let waited = pause; waited <= shown.expires_in; waited += pause) {
    await context.sleep(pause, abandoned)
    if (abandoned.aborted) break
    try {
      return await redeemCode(asked, form, interaction)
    } catch (error) {
      pause += pauseAfter(error, pause)
    }
  }
  throw tooLateError(shown.issuer)
}

/** Returns the seconds to add to the pause; throws an error that ends the polling. */
function pauseAfter(error: unknown, pause: number): number {
  if (!(error instanceof AgentError)) throw error
  // The auth server may come back; the pause doubles each time (RFC 8628 §3.5).
  if (error.code === 'unreachable') return pause
  const refused = refusalOf(error)?.error ?? ''
  if (refused === 'access_denied') throw new AgentError('denied', 'the user said no', { error: refused })
  if (refused === 'expired_token') throw new AgentError('interaction_required', tooLate)
  const more = Object.hasOwn(pendingErrors, refused) ? pendingErrors[refused] : undefined
  if (more === undefined) throw error
  return more
}

const tooLate = 'the user did not type in the code in time'

function tooLateError(authServer: string): AgentError {
  return new AgentError('interaction_required', tooLate, { authServer })
}
