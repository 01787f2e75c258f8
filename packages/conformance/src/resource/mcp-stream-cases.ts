import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import type { Exchange, WireRequest } from '../wire/message.js'
import { mcpRequest, openSession, partOf, toolCall, toolCaller, toolHolder } from './mcp.js'
import { byPublishedKey, type ResourceStage, type Signer } from './stage.js'

const group = 'mcp streams'
const needs = ['mcp', 'mcp-slow']
/** Seconds that a stream may be open here: a slow tool takes longer. */
const short = 3

/** The id of the last event of a stream. @throws Undecided where it has none */
function lastEventIn({ received }: Exchange): string {
  const id = [...received.toString('utf8').matchAll(/^id: ?(\S+)\r?$/gm)].at(-1)?.[1]
  if (id === undefined)
    throw new Undecided('skipped', 'could not decide: the stream has no event with an id, after which it could go on')
  return id
}

const hasAnswer = ({ received }: Exchange): boolean => /"(?:result|error)":/.test(received.toString('utf8'))

interface Resumed {
  readonly caller: Signer
  readonly session: string
  readonly last: string
}

/** A GET that goes on with a stream. */
function resume(stage: ResourceStage, { caller, session, last }: Resumed): WireRequest {
  return mcpRequest(stage, { caller, session, method: 'GET', body: '', headers: [['last-event-id', last]] })
}

/** A stream is over: nothing of it comes any more. */
async function holdsOver(
  trial: Trial,
  stage: ResourceStage,
  { title, ...resumed }: Resumed & { readonly title: string },
): Promise<void> {
  const { response } = await trial.sent(`${title}: its owner would go on`, resume(stage, resumed))
  trial.holds(`${title}: the answer is 204`, response?.status === 204, `it is ${response?.status ?? 'none'}`)
}

/** Streams that are cut off, and how they go on. @see protocol §12 */
export const mcpStreamCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.stream-resumed',
    words: "is resumed for the session's owner",
    group,
    needs,
    async run(trial, stage) {
      const tool = partOf(stage, 'slow')
      const owner = (claims: Readonly<Record<string, unknown>> = {}): Signer => toolHolder(stage, claims, tool)
      const session = await openSession(trial, stage, { caller: owner() })
      const cut = await trial.sent('a call whose token ends before its answer comes', () =>
        mcpRequest(stage, { caller: owner({ exp: stage.now() + short }), session, body: toolCall(tool.name, 31) }),
      )
      if (hasAnswer(cut)) throw new Undecided('failed', 'could not decide: its stream did not end with its token')
      const last = lastEventIn(cut)
      const own = byPublishedKey(stage.agent)
      await trial.refused(
        'the same agent goes on without a token',
        () => resume(stage, { caller: own, session, last }),
        {
          ...refusals.level,
          challenge: ['auth-token'],
        },
      )
      for (const [title, caller] of [
        ['another agent, with a token of its own,', toolCaller(stage, stage.otherAgent, tool)],
        ['another user', owner({ sub: 'user-2' })],
      ] as const)
        await trial.refused(`${title} goes on`, () => resume(stage, { caller, session, last }), { status: 404 })
      const response = await trial.accepted('its owner goes on with a new token', () =>
        resume(stage, { caller: owner(), session, last }),
      )
      const text = response?.body.toString('utf8') ?? ''
      trial.holds('and gets the answer', /"id":31\b/.test(text) && text.includes('"result"'), text.slice(0, 200))
    },
  },
  {
    id: 'mcp.stream-over',
    group,
    needs,
    async run(trial, stage) {
      const tool = partOf(stage, 'slow')
      const caller = toolHolder(stage, {}, tool)
      const session = await openSession(trial, stage, { caller })
      const send = (body: object) => (): WireRequest => mcpRequest(stage, { caller, session, body })
      const listed = await trial.sent('a list of the tools', send({ jsonrpc: '2.0', id: 41, method: 'tools/list' })())
      trial.holds('the list comes', hasAnswer(listed))
      await holdsOver(trial, stage, { title: 'a stream that was answered', caller, session, last: lastEventIn(listed) })
      const [cancelled] = await Promise.all([
        trial.sent('a call of a slow tool', send(toolCall(tool.name, 42))),
        new Promise(resolve => setTimeout(resolve, 1500)).then(() =>
          trial.accepted(
            'its owner cancels it',
            send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 42 } }),
          ),
        ),
      ])
      trial.holds('its stream ends then', cancelled.trouble === undefined, cancelled.trouble)
      trial.holds('and without an answer', !hasAnswer(cancelled))
      await holdsOver(trial, stage, {
        title: 'a stream that was cancelled',
        caller,
        session,
        last: lastEventIn(cancelled),
      })
    },
  },
]
