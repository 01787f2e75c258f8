import type { ReasonEntry } from '@countersign/httpsig/reasons'
import type { ConditionReason } from './reason.js'

const codes = ['policy_denied', 'access_denied'] as const

/** Refusals by conditions, and by users who are asked for each call. @see protocol §9 */
export const conditionReasons: Readonly<Record<ConditionReason, ReasonEntry>> = {
  condition_malformed: {
    codes,
    meaning: 'The list of conditions is malformed, or has one that is not known here.',
    fix: 'Use the conditions of protocol §9 only, in lists of at most 32 and 2 KiB.',
    clause: 'policy.shape',
  },
  condition_ended: {
    codes,
    meaning: 'The condition `until` or `hours` of the policy has ended.',
    fix: 'Ask the user again.',
    clause: 'policy.until',
  },
  condition_outside_hours: {
    codes,
    meaning: 'The condition `hours` of the policy does not hold at this day and hour.',
    fix: 'Come again within the hours of the grant.',
    clause: 'policy.hours',
  },
  condition_resource: {
    codes,
    meaning: 'The condition `resources` of the policy does not list this resource.',
    fix: 'Use a delegate or a grant that is meant for this resource.',
    clause: 'policy.resources',
  },
  condition_scope: {
    codes,
    meaning: 'The condition `scopes` of the policy does not list a scope of this request.',
    fix: 'Ask only for scopes that the policy lists.',
    clause: 'policy.scopes',
  },
  condition_purpose: {
    codes,
    meaning:
      'The token has no purposes, or one that the route or the condition `purposes` of the policy does not list.',
    fix: 'Ask with purposes that are listed.',
    clause: 'policy.purposes',
  },
  condition_chain: {
    codes,
    meaning:
      'The call came, or would go, through more services than `chain` of the policy lets, or through one that it does not list.',
    fix: 'Call with fewer services in between, or through those that are listed.',
    clause: 'policy.chain',
  },
  condition_data: {
    codes,
    meaning:
      'The condition `data` of the policy lets out parts of answers only, and the answer to this request could not be judged.',
    fix: 'Send it without Range and without If-… headers, and open no stream.',
    clause: 'policy.data',
  },
  condition_arguments: {
    codes,
    meaning: 'The condition `arguments` of the policy does not let the body of this request pass.',
    fix: 'Send a JSON body with nothing but what the policy lists.',
    clause: 'policy.arguments',
  },
  condition_upgrade: {
    codes,
    meaning: 'No socket can be opened under a policy that looks at each request or answer.',
    fix: 'Send single requests.',
    clause: 'policy.streams',
  },
  operation_unnamed: {
    codes,
    meaning: 'The request changes something, its route names no operation, and the policy asks for one.',
    fix: 'The resource must name the operation of the route.',
    clause: 'policy.arguments',
  },
  operation_misspelt: {
    codes,
    meaning: 'The operation equals one that the policy names but for case, invisible characters or the like.',
    fix: 'Use the exact name that the server lists.',
    clause: 'policy.operation-spelling',
  },
  calls_used_up: {
    codes: ['rate_limited', 'policy_denied'],
    meaning: 'All calls that the policy lets pass in this window were used.',
    fix: 'Wait for the seconds in Retry-After; where there are none, ask the user again.',
    clause: 'policy.calls',
  },
  calls_uncountable: {
    codes: ['policy_denied'],
    meaning: 'The resource cannot count the calls of the policy: its counter forgets, or the grant is of no user.',
    fix: 'Use calls per minute, hour or day; or a counter that outlives restarts, and a grant of a user.',
    clause: 'policy.calls',
  },
  answer_withheld: {
    codes: ['policy_denied'],
    meaning: 'The request was carried out, but its answer cannot be shown, or not without what the policy withholds.',
    fix: 'Do not send it again. Ask for a policy that covers the answer.',
    clause: 'policy.data',
  },
  conditions_unsupported: {
    codes,
    meaning:
      'The resource does not enforce a kind of condition that the token has or would have, or not for this request.',
    fix: 'Ask for access at a resource that lists the kind in constraints_supported.',
    clause: 'policy.supported',
  },
  condition_word_unknown: {
    codes: ['access_denied'],
    meaning: 'A condition names an operation, purpose or data view that the resource does not publish.',
    fix: 'Use the names that the metadata of the resource lists.',
    clause: 'policy.words',
  },
  conditions_too_long: {
    codes: ['access_denied'],
    meaning: 'All conditions together, of operator, user, delegate and upstream token, are more than 32 or 2 KiB.',
    fix: 'Ask with a delegate that has fewer conditions, or have the user remove some of theirs.',
    clause: 'policy.narrow',
  },
  approval_needed: {
    codes: ['insufficient_level', 'policy_denied'],
    meaning: 'A user must approve this very request.',
    fix: 'Ask with the resource token of the challenge, then send the same bytes again.',
    clause: 'approval.challenge',
  },
  approval_of_another: {
    codes: ['invalid_auth_token'],
    meaning: 'The token is an approval of one request, and this request needs none, or a scope that the token lacks.',
    fix: 'Use the ordinary token of the grant for this request.',
    clause: 'approval.elsewhere',
  },
  approval_used: {
    codes: ['replay_detected'],
    meaning: 'The approval was used before. The outcome of that request is unknown here.',
    fix: 'Look whether the request was carried out before a user is asked again.',
    clause: 'approval.once',
  },
  approval_impossible: {
    codes: ['policy_denied', 'insufficient_scope'],
    meaning:
      'The request needs an approval, and no user can be asked for one here: its route has no scope, or its body is not seen.',
    fix: 'Ask the operator of the resource.',
    clause: 'approval.challenge',
  },
  approval_unshowable: {
    codes: ['policy_denied'],
    meaning: 'The user who approves the request cannot be shown what it does, or not all of it.',
    fix: 'Send the members and parameters that the resource describes, each once, and nothing else, in at most 500 visible characters. At the resource: show more in describe, or name the place in unshown.',
    clause: 'approval.shown',
  },
  approver_missing: {
    codes: ['access_denied'],
    meaning: 'Nobody is known who could approve the request.',
    fix: 'Use a grant of a user, or ask the operator to name who approves.',
    clause: 'approval.asked',
  },
  approvals_exceeded: {
    codes: ['rate_limited'],
    meaning: 'The user has too many open questions, or was asked too often today.',
    fix: 'Wait for the seconds in Retry-After.',
    clause: 'approval.limits',
  },
  inbox_unavailable: {
    codes: ['unauthorized_client'],
    meaning: 'The question cannot wait in an inbox: the user has turned none on, or has no grant for this caller.',
    fix: 'Send the user to the consent page.',
    clause: 'approval.inbox',
  },
  approval_stopped: {
    codes: ['access_denied'],
    meaning: 'The user does not want to be asked by this agent any more.',
    fix: 'Stop asking. The user can change it on their account page.',
    clause: 'approval.limits',
  },
}
