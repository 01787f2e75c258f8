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
import { invalidAnswerError } from '../wire/participant.js'
import { type ShownQuestion, shownQuestion } from './asked-operation.js'
import { checkOperation } from './check-operation.js'
import { poll } from './poll.js'

/** Refusals of an auth server that keeps no inbox for this user, or knows none: the user is then asked as usual. */
const withoutInbox: ReadonlySet<string> = new Set([
  'unauthorized_client',
  'invalid_request',
  'unsupported_request_type',
])

/** Options of {@link inbox}. */
export interface InboxOptions {
  /** How users are asked for everything else, and for an approval when they have no inbox. Default: they are not asked. */
  readonly otherwise?: Interact | undefined
  /** Told of each question that waits in the inbox, e.g. to print where it can be answered. Default: nobody is told. */
  readonly show?: ((question: InboxQuestion) => void | Promise<void>) | undefined
}

/** A question that waits in the inbox of a user. */
export interface InboxQuestion extends ShownQuestion {
  /** Seconds for which the call waits. */
  readonly expires_in: number
}

/**
 * Lets an approval of a single request wait in the inbox that its user has turned on at the auth server; the call waits for the answer.
 * For agents that work while their users do something else.
 * @see protocol §9.4
 */
export function inbox(options: InboxOptions = {}): Interact {
  checkOptionsOffPage('inbox', options, { otherwise: 'object', show: 'function' })
  const { otherwise, show } = options
  return Object.freeze({
    kind: 'inbox',
    open: (context: InteractContext): UserInteraction => {
      const other = otherwise?.open(context) ?? noInteraction()
      const obtainGrant: UserInteraction['obtainGrant'] = interaction =>
        interaction.asked.operation === undefined
          ? other.obtainGrant(interaction)
          : askInbox(interaction, { other, show }, context)
      return { ...other, checkOperation, obtainGrant }
    },
  })
}

async function askInbox(
  interaction: GrantInteraction,
  { other, show }: Pick<InboxOptions, 'show'> & { readonly other: UserInteraction },
  context: InteractContext,
): Promise<Grant> {
  const first = await interaction.begin({ request_type: 'auth', answer: 'inbox' }).catch(error => {
    if (!withoutInbox.has(refusalOf(error)?.error ?? '')) throw error
    return undefined
  })
  const { asked, tell } = interaction
  if (first === undefined) {
    tell(asked.issuer, 'interact', `${asked.issuer} keeps no inbox for this user: asking as usual`)
    return other.obtainGrant(interaction)
  }
  if (first.grant !== undefined) return first.grant
  const { request_token, interval = 5, expires_in } = first.answer
  if (typeof request_token !== 'string' || request_token === '' || request_token.length > 4096)
    throw invalidAnswerError('auth server', 'request_token')
  const seconds = secondsToDecide(expires_in)
  if (seconds === undefined) throw invalidAnswerError('auth server', 'expires_in')
  if (typeof interval !== 'number' || !(interval > 0)) throw invalidAnswerError('auth server', 'interval')
  tell(asked.issuer, 'interact', `the question waits in the inbox of a user at ${asked.issuer}`)
  await show?.({ ...shownQuestion(interaction), expires_in: seconds })
  const form = { request_type: 'poll', request_token }
  return poll({ form, interval, seconds, late: 'the user did not answer in time' }, interaction, context)
}
