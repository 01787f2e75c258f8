import {
  type Answer,
  isResult,
  type Params,
  type RpcRequest,
  type RpcResult,
  rpcCodes,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import { withoutMembers } from './envelope.js'

// Tasks are not translated between revisions. In 2025-11-25 the client asks for one, for as long as it says, learns beforehand which tools
// have them, lists them, and is asked for input by requests while it waits in `tasks/result`. From 2026-07-28 on the server decides, tells
// of no tool and no list, and asks in what `tasks/get` returns. A bridge would have to keep tasks of its own, which end with it, where a
// task is to outlive its client. So neither side learns of tasks, and calls are answered when they are done.

/** Whether a request or notification is about tasks. */
export function isAboutTasks({ method }: Pick<RpcRequest, 'method'>): boolean {
  return /^(?:notifications\/)?tasks(?:\/|$)/.test(method)
}

/** The answer to a request about tasks. */
export function noTasks({ id, method }: RpcRequest): Answer {
  const message = `${method}: client and server speak different revisions of MCP, between which this bridge translates no tasks`
  return { jsonrpc: '2.0', id, error: { code: rpcCodes.methodNotFound, message } }
}

/** The members of a request without the wish for a task: the other side would read it in its own way. */
export function withoutTask(params: Params | undefined): Params | undefined {
  return params === undefined ? undefined : withoutMembers(params, ['task'])
}

/** A list of tools that says of none that it has tasks. */
export function withoutTaskSupport(answer: Answer): Answer {
  const tools = isResult(answer) ? answer.result['tools'] : undefined
  if (!isResult(answer) || !Array.isArray(tools)) return answer
  const changed = tools.map((tool: unknown) => (isObject(tool) ? withoutSupport(tool) : tool))
  return { ...answer, result: { ...answer.result, tools: changed } } satisfies RpcResult
}

function withoutSupport(tool: Params): Params {
  const { execution, ...rest } = tool
  if (!isObject(execution) || !('taskSupport' in execution)) return tool
  const left = withoutMembers(execution, ['taskSupport'])
  return Object.keys(left).length === 0 ? rest : { ...rest, execution: left }
}
