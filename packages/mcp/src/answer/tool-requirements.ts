import { satisfies } from '@countersign/protocol'
import type { AAuth } from '@countersign/resource'
import type { Rule } from '../rules/rule-book.js'
import type { RpcAnswer } from './handler-errors.js'

/**
 * Adds its requirement to each tool of a list. `aauth/allowed` covers level and scopes; lists and policies are checked at the call.
 * A list that says what its caller may use is for this caller alone, also in the caches of clients.
 */
export function withRequirements<A extends RpcAnswer, S extends string>(
  answer: A,
  aauth: AAuth,
  ruleOf: (tool: string) => Rule<S>,
): A {
  const { result } = answer
  if (result === undefined || !Array.isArray(result['tools'])) return answer
  const tools = result['tools'].map((tool: Readonly<Record<string, unknown>>) => {
    const _meta = { ...Object(tool['_meta']), ...requirementOf(ruleOf(String(tool['name'])), aauth) }
    return { ...tool, _meta }
  })
  const isCached = Object.hasOwn(result, 'cacheScope')
  return { ...answer, result: { ...result, tools, ...(isCached ? { cacheScope: 'private' } : {}) } }
}

function requirementOf<S extends string>(rule: Rule<S>, aauth: AAuth): object {
  const { level = 'anonymous', scope, isClosed, requirement } = rule
  if (isClosed) return { 'aauth/allowed': false }
  const hasScope = scope.every(name => aauth.scope.includes(name))
  // A rule that accepts bearer tokens judges them by scope alone.
  const isHigh = aauth.credential === 'bearer' ? requirement.alsoAccept !== undefined : satisfies(aauth.level, level)
  return {
    'aauth/requires': { level, ...(scope.length === 0 ? {} : { scope: scope.join(' ') }) },
    'aauth/allowed': isHigh && (level !== 'authorized' || hasScope),
  }
}
