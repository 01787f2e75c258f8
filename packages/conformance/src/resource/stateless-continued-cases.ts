import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { tokenJson } from '../participants/desk.js'
import { headerValue } from '../wire/message.js'
import { askedOf, asks } from './asked-approval.js'
import { toolHolder } from './mcp.js'
import { openMiddle } from './middle.js'
import { byPublishedKey, delegate, type ResourceStage, type Signer } from './stage.js'
import { calling, refusedMessage, resultIn, type Said, say, statelessPart, statelessServer } from './stateless-mcp.js'

const group = 'mcp without sessions'
const elicitation = { elicitation: {} }
const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const inputResponses = { who: { action: 'accept', content: {} } }

/** Begins a task as one user, as a control. @throws Undecided */
async function beginTask(trial: Trial, stage: ResourceStage, caller: Signer): Promise<string> {
  const response = await trial.control('a user begins a task', () =>
    say(stage, { caller, ...calling(statelessPart(stage, 'task')), capabilities: tasks }),
  )
  const { taskId } = resultIn(response)
  if (typeof taskId !== 'string') throw new Undecided('failed', 'could not decide: the tool begins no task')
  return taskId
}

/** More input for a call that its user has approved is refused. */
async function noMoreInput(trial: Trial, stage: ResourceStage): Promise<void> {
  const { approves: tool } = statelessServer(stage)
  if (tool === undefined) return
  const caller = toolHolder(stage, {}, tool)
  const call = (as: Signer) => () => say(stage, { caller: as, ...calling(tool), capabilities: tasks })
  const asked = await trial.refused('a call that its user has not approved', call(caller), asks)
  const approved = { operation_digest: askedOf(asked).operation.digest, exp: stage.now() + 300 }
  const response = await trial.accepted('its user has approved it', call(toolHolder(stage, approved, tool)))
  const { taskId } = resultIn(response)
  if (typeof taskId !== 'string') throw new Undecided('failed', 'could not decide: the approved call begins no task')
  await trial.accepted('the user asks for its task', getting(stage, taskId)(caller))
  const more = { taskId, inputResponses: { who: { action: 'accept', content: { x: 1 } } } }
  await trial.refused(
    'the caller sends more input',
    () => say(stage, { caller, method: 'tasks/update', params: more, capabilities: tasks }),
    { status: [400, 403], challenge: 'none' },
  )
}

const getting = (stage: ResourceStage, taskId: string) => (caller: Signer) => () =>
  say(stage, { caller, method: 'tasks/get', params: { taskId }, capabilities: tasks })

/** A tool that asks for input: its question, and an answer to it. */
function questionsOf(trial: Trial, stage: ResourceStage) {
  const tool = statelessPart(stage, 'asks')
  return {
    /** @throws Undecided */
    async asking(caller: Signer): Promise<string> {
      const response = await trial.control('a tool asks for input', () =>
        say(stage, { caller, ...calling(tool), capabilities: elicitation }),
      )
      const { requestState } = resultIn(response)
      if (typeof requestState === 'string') return requestState
      throw new Undecided('failed', 'could not decide: the tool asks for no input, or without a requestState')
    },
    answer:
      (caller: Signer, requestState: string, headers: Said['headers'] = right => right) =>
      () => {
        const about = calling(tool, { inputResponses, requestState })
        return say(stage, { caller, ...about, capabilities: elicitation, headers })
      },
  }
}

/** What a caller of an MCP server begins. @see protocol §12 */
export const statelessContinuedCases: readonly Case<ResourceStage>[] = [
  {
    id: 'mcp.continued',
    words: ['of any other caller must be refused as unknown', 'A caller without a user may go on once it has one'],
    group,
    needs: ['stateless-mcp', 'stateless-asks'],
    clauses: ['mcp.continued-once'],
    async run(trial, stage) {
      const { asking, answer } = questionsOf(trial, stage)
      const own = byPublishedKey(stage.agent)
      const state = await asking(own)
      const other = byPublishedKey(stage.otherAgent)
      await refusedMessage(trial, 'another agent answers', answer(other, state))
      await refusedMessage(trial, 'a delegate of the agent answers', answer(delegate(stage), state))
      await refusedMessage(trial, 'the state is cut', answer(own, state.slice(0, -1)))
      const alice = toolHolder(stage, {})
      const ofAlice = await asking(alice)
      await refusedMessage(trial, 'another user answers', answer(toolHolder(stage, { sub: 'user-2' }), ofAlice))
      const early = await asking(own)
      await trial.accepted('an agent that had no user answers for one', answer(alice, early))
      const response = await trial.accepted('its own caller answers', answer(own, state))
      trial.holds('the tool goes on', resultIn(response)['content'] !== undefined)
    },
  },
  {
    id: 'mcp.continued-once',
    words: ['a second answer must be refused as unknown', 'or that is refused before the server gets it'],
    group,
    needs: ['stateless-mcp', 'stateless-asks'],
    async run(trial, stage) {
      const { asking, answer } = questionsOf(trial, stage)
      const own = byPublishedKey(stage.agent)
      const [state, another] = [await asking(own), await asking(own)]
      await trial.accepted('its caller answers', answer(own, state))
      await refusedMessage(trial, 'it answers once more', answer(own, state))
      const wrong = answer(own, another, lines => lines.filter(([name]) => name !== 'mcp-name'))
      await refusedMessage(trial, 'it answers another question without Mcp-Name', wrong)
      await trial.accepted('it answers that question in the right way', answer(own, another))
    },
  },
  {
    id: 'mcp.task-rule',
    words: ['goes by the rule of the tool that the task came of', 'More input for a call that was approved'],
    group,
    needs: ['stateless-mcp', 'stateless-task'],
    clauses: ['mcp.continued'],
    async run(trial, stage) {
      const tool = statelessPart(stage, 'task')
      const caller = toolHolder(stage, {}, tool)
      const get = getting(stage, await beginTask(trial, stage, caller))
      await trial.accepted('the user asks for it', get(caller))
      await trial.refused('the agent asks for it without a token', get(byPublishedKey(stage.agent)), {
        ...refusals.level,
        challenge: ['auth-token'],
      })
      await refusedMessage(trial, 'another user asks for it', get(toolHolder(stage, { sub: 'user-2' }, tool)))
      await noMoreInput(trial, stage)
    },
  },
  {
    id: 'mcp.asks-by-input',
    words: 'that answer is a request for input',
    group,
    needs: ['stateless-mcp', 'stateless-calls', 'loopback'],
    alone: true,
    async run(trial, stage) {
      const tool = statelessPart(stage, 'calls')
      const call = () =>
        say(stage, {
          caller: toolHolder(stage, { sub: `user-${randomUUID()}` }, tool),
          ...calling(tool),
          capabilities: { elicitation: { url: {} } },
        })
      await openMiddle(trial, stage)
      await trial.control('a tool that calls another resource for its caller', call)
      await openMiddle(trial, stage, { exchange: () => tokenJson({ request_token: 'request-1', expires_in: 600 }) })
      const response = await trial.accepted('the auth server of that resource must ask a user', call)
      const { resultType, inputRequests } = resultIn(response)
      trial.holds('its answer is a request for input', resultType === 'input_required', String(resultType))
      const asked = Object.values(Object(inputRequests)).map(one => Object(one))
      const [{ method, params } = { method: undefined, params: undefined }] = asked
      const { mode, url = '' } = Object(params)
      trial.holds('it is one of URL mode', asked.length === 1 && method === 'elicitation/create' && mode === 'url')
      trial.holds('the URL is on its own origin', URL.canParse(url) && new URL(url).origin === stage.id, String(url))
      const header = response === undefined ? undefined : headerValue(response, 'agent-auth')
      trial.holds('there is no challenge', header === undefined, header)
    },
  },
]
