import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { tokenIn } from './rotation-cases.js'
import { type AgentServerStage, callerOf, delegateDraft, enrolDraft } from './stage.js'

/** The receivers of a token with conditions. */
function receiversOf(trial: Trial, stage: AgentServerStage, token: string): readonly string[] {
  const { delegation, aud } = readToken(token)?.claims ?? {}
  const hasConditions = Array.isArray(delegation) && delegation.length > 0
  trial.holds('the token has delegation', hasConditions, JSON.stringify(delegation))
  const receivers = (aud === undefined ? [] : [aud].flat()).map(String)
  trial.holds('it has aud', receivers.length > 0)
  trial.holds('the agent server is among its receivers', receivers.includes(stage.id), receivers.join(' '))
  return receivers
}

/** What an agent server writes into the tokens of delegates with conditions. */
export const delegationCases: readonly Case<AgentServerStage>[] = [
  {
    id: 'policy.delegates',
    words: [
      'An agent server must set `aud` on a token with `delegation`',
      'others are `invalid_request`',
      'The agent server adds itself, so that the token renews itself',
    ],
    group: 'conditions',
    needs: ['conditions'],
    async run(trial, stage) {
      const key = makeKey()
      const code = await stage.limitedCode()
      const response = await trial.control('a delegate with conditions enrols', () =>
        signDraft(enrolDraft(stage, key, code)),
      )
      const token = tokenIn(response)
      const renew = (body: object | string) => () => signDraft(delegateDraft(stage, callerOf({ key, token }), body))
      const receivers = receiversOf(trial, stage, token)
      receiversOf(trial, stage, tokenIn(await trial.accepted('it renews its token', renew(''))))
      const other = receivers.find(one => one !== stage.id)
      if (other !== undefined) {
        const named = await trial.accepted('it renews it for one receiver', renew({ aud: other }))
        const found = receiversOf(trial, stage, tokenIn(named))
        trial.holds('the token is for that one', found.includes(other) && found.length <= 2, found.join(' '))
      }
      for (const aud of ['https://never-allowed.example', [stage.id, 'https://never-allowed.example']])
        await trial.refused(`it renews it for ${[aud].flat().join(' and ')}`, renew({ aud }), refusals.request)
    },
  },
]
