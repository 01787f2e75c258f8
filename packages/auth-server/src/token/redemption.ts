import { agentsOf } from '../block/parties.js'
import { principalOf } from '../grant/decide.js'
import type { StoredRequest } from '../request/read-request.js'
import { codeRefusal, redemptionHash } from '../secret/request-token.js'
import { approvalOutcome } from './approval-code.js'
import type { CodeOutcome, PresentedCode } from './code-outcome.js'
import { exchangeOutcome } from './exchange-code.js'
import { grantOutcome } from './grant-code.js'
import type { TokenAnswer, TokenCall, TokenContext } from './token-context.js'

/**
 * Redeems what a user allowed, once, whatever kind of code it is: the same caller and key get the same answer for a minute, and
 * a later use ends what the code gave.
 * @throws AAuthError `invalid_grant`, `access_denied`, and what `isAllowed` of the code throws
 * @see protocol §6.2, §7
 */
export async function redeem(
  code: PresentedCode,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): Promise<TokenAnswer> {
  const { caller } = call
  const { row, redemption, isAllowed } = code
  if (row !== undefined) await context.blocks.check({ agents: agentsOf(row), user: row.user_sub ?? undefined })
  const { agent, delegate = '' } = principalOf(caller)
  const outcome = outcomeOf(code, call, context)
  const key = redemptionHash([redemption, agent, delegate, caller.key.thumbprint])
  const { answer, kind } = await context.repeats.answer(key, async () =>
    row !== undefined && (await isAllowed(row)) ? redeemFirst(row, outcome, context) : refuse(outcome),
  )
  if (kind === 'repeat') await reportRepeat(outcome, context)
  return answer
}

function outcomeOf(
  { row, by, redemption }: PresentedCode,
  call: Pick<TokenCall, 'caller' | 'discovery'>,
  context: TokenContext,
): CodeOutcome {
  // Only a grant may have taken the place of its request.
  if (row === undefined) return grantOutcome({ by, redemption, row }, call, context)
  // A grant, with a refresh token, is never made of an approval or an exchange.
  switch (row.kind) {
    case 'access':
      return grantOutcome({ by, redemption, row }, call, context)
    case 'call':
      return approvalOutcome(row, { by }, { ...call, context })
    case 'exchange': {
      const { exchange } = context
      if (exchange === undefined) throw codeRefusal()
      return exchangeOutcome(row, call, { ...context, exchange })
    }
  }
}

/** Signs first: a token that cannot be made does not use up the code. */
async function redeemFirst(
  row: StoredRequest,
  outcome: CodeOutcome,
  { redemptions, report }: TokenContext,
): Promise<TokenAnswer> {
  const { issued, grant, approval, granted } = await outcome.issue()
  const taken = await redemptions.take(row, grant ?? approval, tx => report.within(tx, granted))
  if (taken === undefined) throw codeRefusal()
  return { auth_token: issued.auth_token, expires_in: issued.expires_in, ...taken }
}

/** A use after the minute in which an answer may have been lost shows a stolen code, here or at its first use: what it gave ends. */
async function refuse(outcome: CodeOutcome): Promise<never> {
  await outcome.endReused()
  throw codeRefusal()
}

/** A revocation ends the repeat of a code at once. */
async function reportRepeat(outcome: CodeOutcome, { report }: TokenContext): Promise<void> {
  const repeated = await outcome.repeated()
  if (repeated === undefined) throw codeRefusal()
  await report.alone(repeated)
}
