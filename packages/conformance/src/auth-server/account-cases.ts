import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusalProblem } from '../case/refusal.js'
import { isAccepted } from '../case/trial.js'
import { approvalForm, operation, waitingCall } from './approval-question.js'
import { actAt, allowedBy, codesOf, granted, letDecide, memberOf, redeemed } from './asked-user.js'
import { pageOf } from './page-cases.js'
import { type AuthServerStage, asked } from './stage.js'

const group = 'account'
const needs = ['approval', 'consent', 'user']
const denied: Refusal = { status: 403, error: 'access_denied' }

/** What users find in their account, and how they end the questions of an agent. @see protocol §9.4 */
export const accountCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'approval.limits',
    words: 'The user must find the calls that they approved in their history',
    group,
    needs: [...needs, 'history'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const payee = `payee-${randomUUID()}`
      const about = operation({ display: ['Pay ', payee] })
      await redeemed(trial, stage, await allowedBy(trial, stage, await waitingCall(trial, stage, { one, about })))
      const acted = await actAt(stage, { url: `${stage.id}${stage.user?.history}`, decision: 'allow', task: 'read' })
      trial.holds('the history has the call that the user approved', pageOf(acted).includes(payee), acted.detail)
    },
  },
  {
    id: 'UIX-37',
    words: ['must be able to answer *no, and stop asking*', 'the agent must be told `access_denied` in the same way'],
    group,
    needs: [...needs, 'stops'],
    clauses: ['approval.limits'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const waiting = await waitingCall(trial, stage, { one, about: operation() })
      const decided = await letDecide(trial, stage, { waiting, title: 'the user wants no more', decision: 'stop' })
      trial.holds('the user can say so', decided.acted.succeeded, decided.acted.detail)
      const errors = decided.answers.map(answer => answer.get('error'))
      trial.holds('the agent is told access_denied', errors.length === 1 && errors[0] === 'access_denied', `${errors}`)
      const form = approvalForm(stage, one, { operation: operation() })
      const later = await trial.sent('the agent asks for another call', () => asked(stage, form, one.signer))
      if (!isAccepted(later.response)) {
        const problem = refusalProblem(later, denied)
        trial.holds('the answer is access_denied', problem === undefined, problem?.text)
        return
      }
      const other = { ...waiting, requestToken: memberOf(later.response, 'request_token') }
      const again = await letDecide(trial, stage, { waiting: other, title: 'a user allows it', decision: 'allow' })
      trial.holds('no code comes of it', codesOf(again).length === 0)
    },
  },
]
