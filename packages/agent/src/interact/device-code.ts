import { checkOptionsOffPage } from '@countersign/protocol/internal'
import { refusalOf } from '../error.js'
import type { Grant } from '../grant/grants.js'
import {
  type GrantInteraction,
  type Interact,
  type InteractContext,
  noInteraction,
  secondsToDecide,
  type UserInteraction,
} from '../grant/interact.js'
import { userUrl } from '../grant/user-url.js'
import { invalidAnswerError } from '../wire/participant.js'
import { type ShownQuestion, shownQuestion } from './asked-operation.js'
import { checkOperation } from './check-operation.js'
import { poll } from './poll.js'

/** What to show the user, who decides on another device. */
export interface DeviceCode extends ShownQuestion {
  /** Where to type in the code. No link holds the code, since an attacker could send such a link (phishing). */
  readonly verification_uri: string
  /** The code: printable ASCII. */
  readonly user_code: string
  /** Seconds until the code expires. */
  readonly expires_in: number
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
export interface Device {
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
      return {
        ...other,
        checkOperation,
        obtainGrant: interaction => obtainGrant(interaction, { show, other }, context),
      }
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
  const { deviceCode: device_code, interval, shown } = device
  const form = { request_type: 'device_code', device_code }
  const late = 'the user did not type in the code in time'
  return poll({ form, interval, seconds: shown.expires_in, late }, interaction, context)
}

/** Checks that an answer is safe to show: control characters in a code could rewrite the terminal around it (terminal injection). */
export function checkDeviceAnswer(
  answer: Readonly<Record<string, unknown>>,
  interaction: Pick<GrantInteraction, 'asked' | 'user'>,
  { development }: Pick<InteractContext, 'development'>,
): Device {
  const { device_code, user_code, verification_uri, expires_in, interval = 5 } = answer
  if (typeof device_code !== 'string' || device_code === '' || device_code.length > 4096)
    throw invalidAnswerError('auth server', 'device_code')
  if (typeof user_code !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(user_code))
    throw invalidAnswerError('auth server', 'user_code')
  const url = userUrl(verification_uri, { development })
  if (url === undefined) throw invalidAnswerError('auth server', 'verification_uri')
  const seconds = secondsToDecide(expires_in)
  if (seconds === undefined) throw invalidAnswerError('auth server', 'expires_in')
  if (typeof interval !== 'number' || !(interval > 0)) throw invalidAnswerError('auth server', 'interval')
  return {
    deviceCode: device_code,
    interval,
    shown: { verification_uri: url, user_code, expires_in: seconds, ...shownQuestion(interaction) },
  }
}
