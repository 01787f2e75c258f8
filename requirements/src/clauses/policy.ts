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
    'policy.purposes.form',
    '9.1',
    'Purposes are 1 to 64 words of the resource, each once, set apart by single spaces; any others are `invalid_request`.',
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
  built('policy.hours.zone', '9.2', "The zone of `hours` is a name that the receiver knows, in IANA's own spelling."),
  built('policy.hours.window', '9.2', 'A window of `hours` belongs to the day on which it begins, also over midnight.'),
  built(
    'policy.hours.no-zones',
    '9.2',
    'A resource without time zones starts, does not list `hours`, and refuses each list with it.',
  ),
  built('policy.calls', '9.2', '`calls`: at most so many requests pass in a window, counted once for all instances.'),
  built('policy.calls.one-count', '9.2', 'A new token, key or grant begins no new count of `calls`.'),
  built('policy.calls.grant', '9.2', '`calls` by `grant` need an `until`, and never stand in `delegation`.'),
  built(
    'policy.calls.answer',
    '9.2',
    'Beyond `max` the answer is 429 with the seconds that the window has left; by `grant` 403.',
  ),
  built('policy.chain', '9.2', '`chain`: the call came through so many services at most, and all of them are listed.'),
  built('policy.data', '9.2', '`data`: the answer is JSON and holds the listed fields only, byte for byte.'),
  built('policy.data.scalar', '9.2', 'A scalar on the way goes as a member, and becomes `null` as an element.'),
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
  built('policy.arguments.body', '9.2', 'Under `arguments` a request has no query and a body that is JSON.'),
  built('policy.arguments.leaves', '9.2', 'Under `arguments` every leaf lies at or beneath a place of a rule.'),
  built(
    'policy.arguments.matchers',
    '9.2',
    'What a rule with a matcher names is there, and meets it in type and value.',
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
  built('approval.digest.text', '9.4', 'The text is digested in UTF-8, and the strings of `display` as they are.'),
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
  built(
    'approval.compared',
    '9.4',
    'An agent compares the digest with that of its own request before it asks anybody.',
  ),
  built('approval.form', '9.4', 'An `operation` of another form, or of an unknown name, is refused without a page.'),
  built(
    'approval.page',
    '9.4',
    'The page shows the operation, with its values apart from the words of the resource, and no link.',
  ),
  built('approval.one-question', '9.4', 'An equal open question is one question, under a new `request_token`.'),
  built('approval.ended', '9.4', 'An open question ends with the grants of its caller, and the agent is told.'),
  built('approval.once', '9.4', 'An approval is used once, for the very same request.'),
  built(
    'approval.differs',
    '9.4',
    'An approval whose digest is not that of the request is not used, and the request is challenged anew.',
  ),
  built(
    'approval.elsewhere',
    '9.4',
    'An approval is an invalid auth token where none is needed or a scope is missing, and is not used.',
  ),
  built(
    'approval.limits',
    '9.4',
    'Open questions are limited, and a user can answer that they are not to be asked again.',
  ),
]
