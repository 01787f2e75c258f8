import type { AAuthError } from '@countersign/protocol'
import { isObject, refusal } from '@countersign/protocol/internal'
import type { McpMessage, Subject } from '../rules/rpc.js'
import type { Continuations, SealedContinued } from './continuations.js'

/** Methods about one task, which came of a tool. */
const ofTasks: ReadonlySet<unknown> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel', 'tasks/result'])

/** What a message goes on with. */
export interface Continuing {
  readonly kind: 'state' | 'task'
  /** As the caller sent it. */
  readonly sent: unknown
  /** Undefined where the caller sent what this server has not given. */
  readonly continued: SealedContinued | undefined
  /** What was sent is known, and not for this request: the server has given it to another one, or it cannot be for any. */
  readonly isMisplaced?: true
}

/** The method and name of a request: a state that one tool gave is none of another tool. */
export function nameOfRequest({ request, subject }: McpMessage): string {
  return `${request?.method} ${'name' in subject ? subject.name : ''}`
}

const callOfTool = 'tools/call '

/** Reads what a message goes on with; undefined where it begins anew. Whose it is shows once the caller is verified. */
export async function readContinued(rpc: McpMessage, continuations: Continuations): Promise<Continuing | undefined> {
  const params = rpc.value['params']
  if (rpc.request === undefined || !isObject(params)) return undefined
  if (ofTasks.has(rpc.request.method)) {
    // The SDK hands a state to handlers of any method: one beside a task was given by nobody.
    if (params['requestState'] !== undefined)
      return { kind: 'state', sent: undefined, continued: undefined, isMisplaced: true }
    const sent = params['taskId']
    return { kind: 'task', sent, continued: await continuations.read('task', sent) }
  }
  const { requestState: sent } = params
  if (sent === undefined) return undefined
  const state = await continuations.read('state', sent)
  if (state === undefined || state.of === nameOfRequest(rpc)) return { kind: 'state', sent, continued: state }
  return { kind: 'state', sent, continued: undefined, isMisplaced: true }
}

/** The subject that decides: of a task, the tool that it came of, since its result is that tool's. */
export function subjectOf({ subject }: McpMessage, continuing: Continuing | undefined): Subject {
  const of = continuing?.kind === 'task' ? continuing.continued?.of : undefined
  return of?.startsWith(callOfTool) ? { kind: 'tool', name: of.slice(callOfTool.length) } : subject
}

/** The message as the server gets it: with the server's own state, or id of the task. */
export function messageForServer({ value }: McpMessage, continuing: Continuing | undefined): McpMessage['value'] {
  // Others come here only where the resource observes: they may be the server's own.
  if (continuing?.continued === undefined) return value
  const { value: own, question } = continuing.continued
  // The user's answer was for the guard; the server gets what it had before the question came up.
  const answers = question === undefined ? {} : { inputResponses: question.answers }
  const members = {
    ...Object(value['params']),
    [continuing.kind === 'task' ? 'taskId' : 'requestState']: own,
    ...answers,
  }
  // A state that only the guard needed is none for the server.
  return { ...value, params: Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)) }
}

/** The refusal of what its caller does not have: the same for another's, an expired and an invented one. */
export function unknownContinued(kind: Continuing['kind']): AAuthError {
  const what = kind === 'task' ? 'task' : 'requestState'
  return refusal('continuation_unknown', { about: what })
}
