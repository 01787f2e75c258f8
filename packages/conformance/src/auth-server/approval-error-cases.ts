import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { operation, waitingCall } from './approval-question.js'
import { granted, letDecide } from './asked-user.js'
import { opened } from './consent-cases.js'
import type { AuthServerStage } from './stage.js'

const group = 'approval'
const needs = ['approval', 'consent', 'user']

/** APR: what pages with errors say of a call that waits for its user. @see protocol §9.4 */
export const approvalErrorCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'APR-35',
    words: 'must stand in no log, event, metric, audit record or error page',
    group,
    needs,
    clauses: ['approval.shown', 'consent.error-pages'],
    async run(trial, stage) {
      const one = await granted(trial, stage, { agent: await stage.openAgent() })
      const value = `value-${randomUUID()}`
      const about = operation({ display: ['Pay 5 to ', value, ''] })
      const waiting = await waitingCall(trial, stage, { one, about })
      const { requestToken, redirectUri, state } = waiting
      const link = { request_token: requestToken, redirect_uri: redirectUri, state }
      const says = async (title: string, query: Readonly<Record<string, string>>): Promise<void> => {
        const page = await opened(trial, stage, { title, query })
        const status = page?.status ?? 0
        trial.holds(`${title}: there is a page with an error`, status >= 400, `it is ${status}`)
        trial.holds(`${title}: it has no value of the call`, page?.body.toString('utf8').includes(value) === false)
      }
      await says('redirect_uri is another', { ...link, redirect_uri: 'https://evil.example/callback' })
      await says('state is another', { ...link, state: 'other' })
      await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
      const page = await opened(trial, stage, { title: 'it was decided', query: link })
      const text = page?.body.toString('utf8') ?? ''
      trial.holds('it was decided: the page has no value of the call', !text.includes(value), text.slice(0, 200))
    },
  },
]
