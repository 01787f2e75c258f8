import { ordinary } from '@countersign/testing/auth/consent-page'
import { approvalPage } from './approval-page.js'
import type { ApprovalView } from './approval-view.js'
import { approvalsPage } from './approvals-page.js'
import type { ApprovalsDone, ApprovalsView } from './approvals-view.js'
import type { Look } from './look.js'

const asked = 1_767_225_600

/** An ordinary call: an e-mail is to be sent. */
export const ordinaryCall: ApprovalView = {
  csrf: 'csrf-token',
  action: '/agent/consent',
  hidden: { request_token: 'request-token' },
  returnTo: '/agent/consent?request_token=request-token',
  user: ordinary.user,
  agent: ordinary.agent,
  delegate: 'phone',
  resource: 'https://mail.example',
  purpose: 'You asked me to invite Bob to lunch.',
  way: { type: 'web', redirect_uri: 'https://assistant.example/callback' },
  call: {
    operation: 'send',
    words: 'Send a message in your name',
    grave: false,
    display: ['Send ', 'Lunch on Friday', ' to ', 'bob@partner.example', ', with the text ', 'See you at noon!'],
  },
}

/** The same question in each of its states. */
export const everyCall: Readonly<Record<string, Partial<ApprovalView>>> = {
  ordinary: {},
  grave: { call: { ...ordinaryCall.call, operation: 'purge', words: 'Delete messages for ever', grave: true } },
  'without display': { call: { ...ordinaryCall.call, display: undefined } },
  'without words': { call: { operation: 'x.y', words: '', grave: false, display: ['Do ', ''] }, purpose: undefined },
  inbox: { way: { type: 'inbox', asked, until: asked + 3600 } },
  device: { way: { type: 'device', asked, now: asked } },
  exchange: {
    exchange: {
      issuer: 'https://auth.example',
      chain: [{ iss: 'https://auth.example', agent: 'https://travel.example' }],
    },
  },
}

/** The page of approvals, with something in each part. */
export const ordinaryApprovals: ApprovalsView = {
  csrf: 'csrf-token',
  user: ordinary.user,
  inbox: 'on',
  questions: [1, 2].map(number => ({
    id: `question-${number}`,
    agent: 'https://assistant.example',
    resource: 'https://mail.example',
    call: ordinaryCall.call,
    until: asked + 3600,
  })),
  stops: [{ agent: 'https://pushy.example', resource: 'https://mail.example', since: asked }],
  history: [
    {
      agent: 'https://assistant.example',
      delegate: 'phone',
      resource: 'https://mail.example',
      call: ordinaryCall.call,
      at: asked,
    },
    {
      agent: 'https://assistant.example',
      resource: 'https://files.example',
      call: { operation: 'files.move', words: 'Move a file', grave: false, display: undefined },
      at: asked,
    },
  ],
}

/** What may just have happened. */
export const everyDone: readonly ApprovalsDone[] = ['approved', 'refused', 'stopped', 'allowed', 'on', 'off']

type PageOfCall = 'approval page' | 'history of the account' | 'open questions of the account'

/** The pages that show what a call would do, each with this display. */
export const pagesOfCalls: Readonly<Record<PageOfCall, (display: readonly string[], look: Look) => string>> = {
  'approval page': (display, look) => approvalPage({ ...ordinaryCall, call: { ...ordinaryCall.call, display } }, look),
  'history of the account': (display, look) => {
    const history = ordinaryApprovals.history.map(one => ({ ...one, call: { ...one.call, display } }))
    return approvalsPage({ ...ordinaryApprovals, questions: [], history }, look)
  },
  'open questions of the account': (display, look) => {
    const questions = ordinaryApprovals.questions.map(one => ({ ...one, call: { ...one.call, display } }))
    return approvalsPage({ ...ordinaryApprovals, questions, history: [] }, look)
  },
}
