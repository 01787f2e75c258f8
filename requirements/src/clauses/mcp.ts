import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Servers of the Model Context Protocol: section 12. */
export const mcpClauses: readonly Requirement[] = [
  built(
    'mcp.subject-decides',
    '12',
    'The tool, prompt or resource that a message names decides what its caller needs.',
  ),
  built('mcp.no-rule', '12', 'A name that no rule is for is refused with 403.'),
  built(
    'mcp.name-spellings',
    '12',
    'A name that equals one with a rule of its own, but for case, compatibility forms or what is not seen, is refused.',
  ),
  built(
    'mcp.method-spellings',
    '12',
    'A method that has the letters of one of MCP, and is not that method, is refused.',
  ),
  built(
    'mcp.uri-spellings',
    '12',
    'A URI with another rule in another spelling, or without query, fragment, user, port or path parameters, is refused.',
  ),
  built('mcp.one-reading', '12', 'A message that two readers could read in two ways is refused, and nothing runs.'),
  built(
    'mcp.route-holds',
    '12',
    "What a gateway's route asks of agents, users and services, and whom it denies, holds for all its rules.",
  ),
  built(
    'mcp.covered',
    '12',
    '`Mcp-Method`, `Mcp-Name`, `Mcp-Protocol-Version`, `Mcp-Session-Id` and `Last-Event-ID` are covered where present.',
  ),
  built(
    'mcp.subscribed',
    '12',
    'A subscription goes by the rule of what it names; one that names things under two rules is refused.',
  ),
  built(
    'mcp.params-judged',
    '12',
    'What a call holds beside its arguments and what MCP defines counts as an argument that no condition allows.',
  ),
  built('mcp.input-judged', '12', 'Answers of a client that have content are arguments that no condition allows.'),
  built(
    'mcp.headers',
    '12',
    'Headers of MCP that are missing, repeated, or say something else than the body refuse the request before anything runs.',
  ),
  built('mcp.no-session', '12', 'A request of revision 2026-07-28 with `Mcp-Session-Id` is refused.'),
  built('mcp.continued', '12', 'A task, or an answer to a request for input, of another caller is refused as unknown.'),
  built(
    'mcp.continued-once',
    '12',
    'A request state is gone on with once; another request with it is refused as unknown.',
  ),
  built('mcp.task-rule', '12', 'A request about a task goes by the rule of the tool that the task came of.'),
  built('mcp.once', '12', 'Every request to an MCP server passes once, a GET as well.'),
  built(
    'mcp.session-owner',
    '12',
    'For a caller that does not own it a session does not exist: the same 404 as for an unknown id.',
  ),
  built(
    'mcp.session-levels',
    '12',
    'The owner of a session may go on at a higher level, and is known by that from then on.',
  ),
  built('mcp.session-anonymous', '12', 'A session opened by an anonymous caller never gets an owner.'),
  built('mcp.stream-end', '12', 'A stream ends with the token of the request that opened it, after an hour at most.'),
  built(
    'mcp.stream-resumed',
    '12',
    'A stream behind a guard goes on for an owner who meets the requirement of the request it answers, and for no other caller.',
  ),
  built(
    'mcp.caller-gone',
    '12',
    'A caller that closes its connection before the answer is complete cancels its call, also behind a gateway.',
  ),
  built(
    'mcp.stream-over',
    '12',
    'After its answer, or once its request is cancelled, a stream behind a guard is over: 204.',
  ),
  built(
    'mcp.stream-priming',
    '12',
    'To clients of 2025-11-25 or later a stream opened by GET behind a guard begins with an event that has an id and no data.',
  ),
  built('mcp.origin', '12', 'A foreign `Origin` that CORS does not let in is refused with 403 at every level.'),
  built('mcp.no-credentials', '12', 'An MCP server behind a guard never sees a signature or a token.'),
  built(
    'mcp.bubbles-up',
    '12',
    'Where a call of another service needs its user, that becomes the answer to the request.',
  ),
  built(
    'mcp.asks-by-input',
    '12',
    'A question for the user becomes a request for input where the client can send its user to a URL.',
  ),
  built('mcp.shares', '12', 'Open subscriptions are bounded, by caller and by site; one too many is 503.'),
  built('mcp.private-lists', '12', 'A list that says what its caller may use has `cacheScope` `private`.'),
  built('mcp.announced', '12', 'A server of revision 2026-07-28 announces AAuth in `capabilities.extensions`.'),
]
