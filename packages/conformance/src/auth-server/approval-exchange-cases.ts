import type { Case } from '../case/case.js'
import { byPublishedKey } from '../resource/stage.js'
import { operation } from './approval-question.js'
import { allowedBy, askUser, codesOf, letDecide, memberOf, redeemed, type Waiting } from './asked-user.js'
import { exchangeForm } from './exchange.js'
import { mandate } from './mandate-cases.js'
import { type AuthServerStage, asked } from './stage.js'

const group = 'approval'

/** Approvals of single calls that a middle makes for its caller's user. */
export const approvalExchangeCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'approval.asked',
    words: 'In an exchange it must ask the user whom it knows for the upstream one',
    group,
    needs: ['approval', 'exchange', 'consent', 'user', 'two-users'],
    async run(trial, stage) {
      const { middle, configuration } = stage
      const one = await mandate(trial, stage)
      const other = await allowedBy(trial, stage, {
        ...(await askUser(trial, stage, { agent: await stage.openAgent() })),
        user: '2',
      })
      const { claims } = await redeemed(trial, stage, other)
      const signer = byPublishedKey(middle)
      const redirectUri = `${middle.id}/callback`
      const call = (sub: unknown) => () => {
        const form = exchangeForm(stage, {
          scope: configuration.consentScope,
          resource: draft => ({ ...draft, claims: { ...draft.claims, sub, operation: operation() } }),
        })
        return asked(stage, { ...form, upstream_token: one.token, redirect_uri: redirectUri, state: 'state-4' }, signer)
      }
      await trial.control('the middle asks for a call that its user must approve', call(one.claims['sub']))
      await trial.refused('sub of the resource token is another user', call(claims['sub']), {
        status: 403,
        error: 'access_denied',
      })
      const response = await trial.control('the resource token has no sub', call(undefined))
      const requestToken = memberOf(response, 'request_token')
      const waiting: Waiting = { agent: middle, signer, redirectUri, requestToken, state: 'state-4' }
      const [title, decision] = ['another user opens the question', 'allow'] as const
      const wrong = await letDecide(trial, stage, { waiting, title, decision, user: '2' })
      trial.holds('no code comes of the answer of another user', codesOf(wrong).length === 0)
      const right = await letDecide(trial, stage, { waiting, title: 'the user of the upstream token does', decision })
      trial.holds('the user of the upstream token is asked', codesOf(right).length === 1, right.acted.detail)
    },
  },
]
