import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { plainGet } from '../endpoint/document-cases.js'
import { targetOf } from '../endpoint/endpoint-stage.js'
import type { Participant } from '../participants/participant.js'
import { byPublishedKey, type Signer, tokenMember } from '../resource/stage.js'
import type { TestKey } from '../signing/key.js'
import { agentTokenDraft, signToken } from '../signing/token.js'
import { headerValue, jsonBody, type WireRequest } from '../wire/message.js'
import { approvalForm, operation } from './approval-question.js'
import { actAt, allowedBy, askUser, claimsOf, type Granted, givenBack, memberOf, redeemed } from './asked-user.js'
import { type AuthServerStage, asked, type Delegate, makeDelegate } from './stage.js'

const group = 'inbox'
const needs = ['approval', 'consent', 'user', 'inbox']
const invalidGrant: Refusal = { status: 400, error: 'invalid_grant' }
const pending: Refusal = { status: 400, error: 'authorization_pending' }

/** A delegate whose user has turned the inbox on, and has granted it something. */
interface Owner {
  readonly one: Granted
  readonly delegate: Delegate
}

/** A question that waits in the inbox. */
interface Question extends Owner {
  readonly token: string
  readonly digest: unknown
  /** Seconds between two polls. */
  readonly interval: number
}

/** The user with an inbox: the second one, where there are two, since other cases need one without. */
function ownerIn({ user }: AuthServerStage): '1' | '2' {
  return user?.hasOther === true ? '2' : '1'
}

/** A user grants a delegate something, and turns the inbox on. @throws Undecided */
async function opened(trial: Trial, stage: AuthServerStage): Promise<Owner> {
  const agent = await stage.openAgent()
  const delegate = makeDelegate(stage, 'delegate-1', agent)
  const user = ownerIn(stage)
  const waiting = await askUser(trial, stage, { agent, delegate })
  const one = await redeemed(trial, stage, await allowedBy(trial, stage, { ...waiting, user }))
  await actAt(stage, { url: inboxOf(stage), decision: 'allow', user, task: 'inbox-on' })
  return { one, delegate }
}

function inboxOf({ id, user }: AuthServerStage): string {
  return `${id}${user?.inbox ?? ''}`
}

/** A request that waits in the inbox. @throws Undecided */
async function askedInInbox(trial: Trial, stage: AuthServerStage, owner: Owner): Promise<Question> {
  const about = operation()
  const response = await trial.control('the delegate asks for an approval in the inbox', () =>
    asked(stage, { ...approvalForm(stage, owner.one, { operation: about }), answer: 'inbox' }, owner.delegate),
  )
  const interval = Number(jsonBody(response)?.['interval'])
  return { ...owner, token: memberOf(response, 'request_token'), digest: about['digest'], interval }
}

const polled = (stage: AuthServerStage, token: string, by: Signer): WireRequest =>
  asked(stage, { request_type: 'poll', request_token: token }, by)

/** Who shows a delegate's key under another name. */
function withKeyOf(
  stage: AuthServerStage,
  { key, agent, sub }: { readonly key: TestKey; readonly agent: Participant; readonly sub: string },
): Signer {
  return { key, keyMember: tokenMember(signToken(agentTokenDraft(agent, { sub, key, now: stage.now() }))) }
}

/** The user answers the question that waits. */
async function answer(trial: Trial, stage: AuthServerStage, decision: 'allow' | 'refuse'): Promise<void> {
  const { succeeded, detail } = await actAt(stage, {
    url: inboxOf(stage),
    decision,
    user: ownerIn(stage),
    task: 'inbox',
  })
  trial.holds(`the user finds the question in the inbox, and can ${decision} it`, succeeded, detail)
}

const pause = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))

/** APR: questions about single calls that wait in the account of a user. @see protocol §9.4 */
export const inboxCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'APR-10',
    words: 'and that again for 60 s',
    group,
    needs,
    clauses: ['approval.token'],
    async run(trial, stage) {
      const question = await askedInInbox(trial, stage, await opened(trial, stage))
      const { token, delegate, interval, one } = question
      trial.holds('interval is a whole number over 0', Number.isInteger(interval) && interval > 0, `it is ${interval}`)
      await trial.refused('it polls before the user has answered', () => polled(stage, token, delegate), pending)
      await answer(trial, stage, 'allow')
      await pause(interval + 0.5)
      const first = await trial.accepted('it polls after the user has allowed it', () => polled(stage, token, delegate))
      const claims = claimsOf(first)
      trial.holds('the token is for the call', claims['operation_digest'] === question.digest)
      trial.holds('it is of the user of the grant', claims['sub'] === one.claims['sub'])
      trial.holds('there is no refresh token', memberOf(first, 'refresh_token') === 'undefined')
      const again = await trial.accepted('it polls again within a minute', () => polled(stage, token, delegate))
      trial.holds('it gets the same token', memberOf(again, 'auth_token') === memberOf(first, 'auth_token'))
      const renewed = makeDelegate(stage, 'delegate-1', one.agent)
      await trial.refused('it polls again with another key', () => polled(stage, token, renewed), invalidGrant)
    },
  },
  {
    id: 'APR-14',
    words: ['for another caller, delegate or key, `invalid_grant`', 'A wrong poll must leave the question as it is'],
    group,
    needs,
    async run(trial, stage) {
      const { token, delegate, interval, one } = await askedInInbox(trial, stage, await opened(trial, stage))
      const others: ReadonlyArray<readonly [string, Signer]> = [
        ['another agent', byPublishedKey(stage.otherAgent)],
        ['the agent itself', byPublishedKey(one.agent)],
        ['a sibling', makeDelegate(stage, 'delegate-2', one.agent)],
        ['a delegate of that name of another agent', makeDelegate(stage, 'delegate-1', stage.otherAgent)],
        ['the delegate, with another key,', makeDelegate(stage, 'delegate-1', one.agent)],
        [
          'the same key, as a delegate of another agent,',
          withKeyOf(stage, { key: delegate.key, agent: stage.otherAgent, sub: 'delegate-1' }),
        ],
        ['the same key, as a sibling,', withKeyOf(stage, { key: delegate.key, agent: one.agent, sub: 'delegate-2' })],
      ]
      for (const [who, signer] of others)
        await trial.refused(`${who} polls with its token`, () => polled(stage, token, signer), invalidGrant)
      await trial.refused('the delegate polls', () => polled(stage, token, delegate), pending)
      await answer(trial, stage, 'allow')
      for (const [who, signer] of others)
        await trial.refused(
          `${who} polls after the user has allowed it`,
          () => polled(stage, token, signer),
          invalidGrant,
        )
      await pause(interval + 0.5)
      await trial.accepted('the delegate gets the token all the same', () => polled(stage, token, delegate))
    },
  },
  {
    id: 'APR-11',
    words: 'Whatever of that is missing, the answer must be the same',
    group,
    needs,
    clauses: ['consent.told'],
    async run(trial, stage) {
      const owner = await opened(trial, stage)
      const { one, delegate } = owner
      const question = await askedInInbox(trial, stage, owner)
      await trial.refused('the question waits', () => polled(stage, question.token, delegate), pending)
      const sibling = makeDelegate(stage, 'delegate-2', one.agent)
      const { agent_delegate: _, ...claims } = one.claims
      const form = (from: Granted, signer: Signer, more: object = {}) => ({
        ...approvalForm(stage, from, { operation: operation(), signer, ...more }),
        answer: 'inbox',
      })
      const other: Granted = { ...one, claims: { ...claims, agent_delegate: sibling.delegate } }
      const missing: ReadonlyArray<readonly [string, () => WireRequest]> = [
        ['another delegate asks, which has no grant', () => asked(stage, form(other, sibling), sibling)],
        ['sub names nobody', () => asked(stage, form(one, delegate, { sub: 'nobody' }), delegate)],
      ]
      const answers: string[] = []
      const refused: Refusal = { status: 403, error: 'unauthorized_client' }
      for (const [fault, request] of missing) {
        const response = await trial.refused(fault, request, refused)
        answers.push(memberOf(response, 'reason'))
      }
      await trial.accepted('the delegate gives back what the user has granted', () => givenBack(stage, one))
      const ended = await trial.refused(
        'its grant has ended',
        () => asked(stage, form(one, delegate), delegate),
        refused,
      )
      answers.push(memberOf(ended, 'reason'))
      trial.holds('all these have one reason', new Set(answers).size === 1, [...new Set(answers)].join(', '))
      await pause(question.interval + 0.5)
      await trial.refused('the question has ended with the grant', () => polled(stage, question.token, delegate), {
        status: [400, 403],
        error: 'access_denied',
      })
    },
  },
  {
    id: 'APR-32',
    words: ['no browser may open these at `agent_auth_endpoint`', 'in the session of that user'],
    group,
    needs,
    clauses: ['consent.told'],
    async run(trial, stage) {
      const { token, delegate, interval, one } = await askedInInbox(trial, stage, await opened(trial, stage))
      await trial.refused('the question waits', () => polled(stage, token, delegate), pending)
      const query = new URLSearchParams({ request_token: token, redirect_uri: one.redirectUri, state: 'approve' })
      for (const text of [`request_token=${token}`, `${query}`]) {
        const page = plainGet(stage, `${targetOf(stage.metadata, 'agent_auth_endpoint')}?${text}`)
        const { response } = await trial.sent('a browser opens its token as a link', page)
        if (response === undefined) throw new Undecided('failed', 'could not decide: the link is not answered')
        trial.holds('there is a page with an error', response.status >= 400, `it is ${response.status}`)
        trial.holds('it leads nowhere', headerValue(response, 'location') === undefined)
      }
      if (ownerIn(stage) === '2') await actAt(stage, { url: inboxOf(stage), decision: 'allow', task: 'inbox' })
      await pause(interval + 0.5)
      await trial.refused('nobody has answered it', () => polled(stage, token, delegate), pending)
      await answer(trial, stage, 'refuse')
      await pause(interval + 0.5)
      await trial.refused('it polls after the user has refused', () => polled(stage, token, delegate), {
        status: [400, 403],
        error: 'access_denied',
      })
    },
  },
]
