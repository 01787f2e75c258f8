import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Delegation policies, and the approval of a single call: section 9. */
export const policyClauses: readonly Requirement[] = [
  built('policy.all-hold', '9.1', 'All conditions of a list must hold, each by itself; an absent list and `[]` hold.'),
  built(
    'policy.unknown',
    '9',
    'A party refuses a condition that it does not know or does not judge, and never leaves one out.',
  ),
  built(
    'policy.shape',
    '9.1',
    'A list has at most 32 conditions and 2 KiB, and each has exactly the members of its type, in their shape.',
  ),
  built(
    'policy.narrow',
    '9.1',
    'Each token, a refreshed one too, has the conditions of operator, user, delegate and upstream token together.',
  ),
  built(
    'policy.supported',
    '9.1',
    'A list goes only to a resource that enforces all its types on every route and publishes its words.',
  ),
  built(
    'policy.words',
    '9.1',
    'Purposes, operations and data views are words that a resource publishes; unknown ones are refused.',
  ),
  built(
    'policy.own-words',
    '9.1',
    'A condition with words of a resource names it; an exchange leaves out those of the middle.',
  ),
  built(
    'policy.delegates',
    '9.1',
    'An agent token with `delegation` has `aud`; its conditions are judged before a resource token is issued.',
  ),
  built(
    'policy.delegates.agent',
    '9.1',
    'An agent shows no agent token where `until`, `hours`, `resources` or `scopes` of its own does not hold, and says which.',
  ),
  built(
    'policy.delegates.aud',
    '9.1',
    'An agent server compares a named `aud` with the receivers that it allows, and not with `resources`.',
  ),
  built(
    'policy.resources',
    '9.2',
    '`resources`: the resource is listed, by its identifier or by `https://*.` of a name above it.',
  ),
  built('policy.scopes', '9.2', '`scopes`: each scope that is asked for, granted or used is listed, `openid` aside.'),
  built('policy.purposes', '9.2', '`purposes`: the token has purposes, all of them listed.'),
  built(
    'policy.outlive',
    '9.2',
    'No auth token is issued that outlives `until` or `hours`; an agent token may, and a longer token is judged at each request.',
  ),
  built('policy.until', '9.2', '`until`: now is before it, and no token outlives it.'),
  built(
    'policy.hours',
    '9.2',
    '`hours`: now is within the window on the wall clock of its zone, and no token outlives it.',
  ),
  built(
    'policy.hours.no-zones',
    '9.2',
    'A resource without time zones starts, does not list `hours`, and refuses each list with it.',
  ),
  built('policy.calls', '9.2', '`calls`: at most so many requests pass in a window, counted once for all instances.'),
  built('policy.chain', '9.2', '`chain`: the call came through so many services at most, and all of them are listed.'),
  built('policy.data', '9.2', '`data`: the answer is JSON and holds the listed fields only, byte for byte.'),
  built('policy.json', '9.2', 'JSON is judged without a content coding, and a resource undoes none.'),
  built(
    'policy.data.before',
    '9.2',
    '`data` refuses before the handler for streams, unsafe partial requests and unseen answers alone.',
  ),
  built(
    'policy.data.whole',
    '9.2',
    'A handler under `data` sees no `Accept-Encoding` and, in a safe request, no `Range` and no `If-…`.',
  ),
  built('policy.unjudged', '9.3', 'A guard that does not see what a condition is about refuses the request.'),
  built(
    'policy.arguments',
    '9.2',
    '`arguments`: each leaf of the arguments lies at or beneath a listed place, and what the list says of it holds.',
  ),
  built('policy.data.cost', '9.2', 'The time and memory of a projection are linear in the length of the answer.'),
  built('policy.operation-spelling', '9.2', 'An operation that is one of a condition in another spelling is refused.'),
  built(
    'policy.folded',
    '9.2',
    'A body that is judged or shown has no two members of one object that are equal when folded.',
  ),
  built('policy.approval', '9.2', '`approval`: a user has approved this very request.'),
  built('policy.order', '9.3', 'Conditions are judged in one order, and a refused request costs no call.'),
  built(
    'policy.answer',
    '9.3',
    'A refusal by a condition is 403 without `Agent-Auth`: `policy_denied`, at an auth server `access_denied`.',
  ),
  built(
    'policy.streams',
    '9.3',
    'Streams and sockets end with `until` and `hours`; under a condition on single calls there are no sockets.',
  ),
  built(
    'approval.challenge',
    '9.4',
    'A request that would pass but for its approval, and no other, is challenged with its `operation`.',
  ),
  built(
    'approval.calls',
    '9.4',
    'Nobody is asked for a call that the `calls` of its token would not let pass; this look counts nothing.',
  ),
  built(
    'approval.display',
    '9.4',
    'What a user is shown is at most 500 plain code points; what does not fit is refused.',
  ),
  built(
    'approval.shown',
    '9.4',
    'A request that does more than its user is shown is refused, unless the operator of the resource names the place.',
  ),
  built(
    'approval.digest',
    '9.4',
    'The digest binds the request and what a user is shown of it; the agent compares it before it asks.',
  ),
  built('approval.asked', '9.4', 'The user of the grant is always asked, and nobody else.'),
  built(
    'approval.inbox',
    '9.4',
    'A question waits in the inbox only for a user who turned it on and has a living grant for the caller.',
  ),
  built(
    'approval.token',
    '9.4',
    'An approval token lives 5 minutes at most, has no refresh token, opens nothing else, and ends with the grants of its caller.',
  ),
  built('approval.ended', '9.4', 'An open question ends with the grants of its caller, and the agent is told.'),
  built('approval.once', '9.4', 'An approval is used once, for the very same request.'),
  built(
    'approval.limits',
    '9.4',
    'Open questions are limited, and a user can answer that they are not to be asked again.',
  ),
]
