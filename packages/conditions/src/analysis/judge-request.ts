import type { Condition, Conditions } from '@countersign/protocol'
import { foldedName } from '@countersign/protocol/internal'
import { meetsArguments } from '../json/arguments.js'
import { projectJson } from '../json/project.js'
import { conditionsOf, firstUnmet } from '../judge.js'
import type { ConsideredRequest } from './request.js'

/**
 * The first condition that refuses a request, in the order of the protocol: it judges as a resource would that knows all of it.
 * @returns undefined when all conditions hold
 * @see protocol §9.3
 * @example
 * ```ts
 * import { parseConditions, refusedBy } from '@countersign/conditions'
 *
 * const conditions = parseConditions([{ type: 'calls', max: 3, per: 'minute' }])
 * const request = { now: 1767225600, resource: 'https://mail.example', scope: [], levels: 0, services: [], safe: true, approved: false }
 * refusedBy(conditions, { ...request, used: { minute: 3, hour: 3, day: 3, grant: 3 } })?.type // 'calls'
 * ```
 */
export function refusedBy(conditions: Conditions, request: ConsideredRequest): Condition | undefined {
  return (
    firstUnmet(conditions, request) ??
    conditionsOf(conditions, 'data', request.resource).find(({ fields }) => !isWhole(request.answer, fields)) ??
    unmetArguments(conditions, request) ??
    unmetApproval(conditions, request) ??
    conditionsOf(conditions, 'calls').find(({ max, per }) => request.used[per] >= max)
  )
}

/** Tells whether an answer goes out as it is. */
function isWhole(answer: unknown, fields: readonly string[]): boolean {
  if (answer === undefined) return false
  const bytes = bytesOf(answer)
  try {
    const shown = projectJson(bytes, [fields])
    return bytes.length === shown.length && bytes.every((byte, i) => byte === shown[i])
  } catch {
    // No JSON object or array, or too deep: none of it goes out.
    return false
  }
}

function unmetArguments(conditions: Conditions, request: ConsideredRequest): Condition | undefined {
  const { operation, body, safe } = request
  return conditionsOf(conditions, 'arguments', request.resource).find(condition => {
    // An unsafe request that names no operation leads round the rules of all.
    if (operation === undefined) return !safe
    if (isMisspelt(operation, condition.of)) return true
    return condition.of === operation && !(body !== undefined && meetsArguments([condition], bytesOf(body)))
  })
}

function unmetApproval(conditions: Conditions, request: ConsideredRequest): Condition | undefined {
  const { operation, approved, safe } = request
  return conditionsOf(conditions, 'approval', request.resource).find(({ of }) => {
    if (operation === undefined) return !safe
    if (of === '*') return !approved
    return of.some(name => isMisspelt(operation, name)) || (of.includes(operation) && !approved)
  })
}

function isMisspelt(operation: string, named: string): boolean {
  return operation !== named && foldedName(operation) === foldedName(named) // policy.operation-spelling
}

function bytesOf(value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return new TextEncoder().encode(JSON.stringify(value))
}
