import { AgentError, refusalOf } from '../error.js'
import type { Grant } from '../grant/grants.js'
import type { GrantInteraction, InteractContext } from '../grant/interact.js'
import { redeemCode } from '../grant/redemption.js'
import type { Form } from '../grant/token-context.js'

/** A question that a user answers elsewhere. */
export interface Polling {
  /** The token request that asks for the answer. */
  readonly form: Form
  /** Seconds between two requests, as the auth server wants them. */
  readonly interval: number
  /** Seconds that the user has to decide. */
  readonly seconds: number
  /** What is told of a user who took longer. */
  readonly late: string
}

/** Errors of an auth server that waits for its user, and the seconds that each adds to the pause (RFC 8628 §3.5). */
const pendingErrors: Readonly<Record<string, number>> = { authorization_pending: 0, slow_down: 5 }

/** Asks an auth server again and again until its user has decided. @throws AgentError `denied`, `interaction_required` */
export async function poll(polling: Polling, interaction: GrantInteraction, context: InteractContext): Promise<Grant> {
  const { form, seconds, late } = polling
  const { asked, abandoned } = interaction
  // The auth server must not make the agent flood it, nor wait for hours.
  let pause = Math.min(Math.max(polling.interval, 1), 60)
  // Counted in seconds slept, so that a clock that is set back cannot keep it going.
  for (let waited = pause; waited <= seconds; waited += pause) {
    await context.sleep(pause, abandoned)
    if (abandoned.aborted) break
    try {
      return await redeemCode(asked, form, interaction)
    } catch (error) {
      pause += pauseAfter(error, pause, late)
    }
  }
  throw new AgentError('interaction_required', late, { authServer: asked.issuer })
}

/** Returns the seconds to add to the pause; throws an error that ends the polling. */
export function pauseAfter(error: unknown, pause: number, late: string): number {
  if (!(error instanceof AgentError)) throw error
  // The auth server may come back; the pause doubles each time (RFC 8628 §3.5).
  if (error.code === 'unreachable') return pause
  const refused = refusalOf(error)?.error ?? ''
  if (refused === 'access_denied') throw new AgentError('denied', 'the user said no', { error: refused })
  if (refused === 'expired_token') throw new AgentError('interaction_required', late)
  const more = Object.hasOwn(pendingErrors, refused) ? pendingErrors[refused] : undefined
  if (more === undefined) throw error
  return more
}
