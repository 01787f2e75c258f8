import { isDeepStrictEqual } from 'node:util'
import type { GatewayRoute } from '@countersign/gateway'
import type { Requirement } from '@countersign/resource'

/** A route for all paths with a beginning, and longer ones under it that ask for more. */
export interface LaxRoute {
  readonly path: string
  readonly stricter: readonly string[]
}

type Route = Pick<GatewayRoute<string>, 'path' | 'methods' | 'requirement'>

const levels = ['anonymous', 'pseudonymous', 'identified', 'authorized'] as const

/** Lists that let fewer callers in. */
const narrowing = ['agents', 'users', 'via', 'purposes', 'approve', 'deny', 'policy'] as const

/**
 * The routes such as `/*` that ask for less than longer routes under them. An API may have more spellings of a path than the gateway
 * knows: one that reads `/index.php/admin` or `/admin.json` as `/admin` serves it by the rule of `/*`.
 */
export function laxRoutes(routes: readonly Route[]): readonly LaxRoute[] {
  return routes.flatMap(route => {
    if (!route.path.endsWith('*')) return []
    const beginning = route.path.slice(0, -1)
    const stricter = routes.filter(
      other =>
        other.path !== route.path &&
        other.path.startsWith(beginning) &&
        shareMethods(route, other) &&
        isLaxer(route, other),
    )
    return stricter.length === 0 ? [] : [{ path: route.path, stricter: [...new Set(stricter.map(({ path }) => path))] }]
  })
}

function shareMethods({ methods }: Route, other: Route): boolean {
  return methods === undefined || other.methods === undefined || methods.some(method => other.methods?.includes(method))
}

function isLaxer({ requirement: own }: Route, { requirement: other }: Route): boolean {
  const has = scopesOf(own)
  return (
    levelOf(own) < levelOf(other) ||
    (levelOf(other) === levels.indexOf('authorized') && scopesOf(other).some(scope => !has.includes(scope))) ||
    narrowing.some(list => other[list] !== undefined && !isDeepStrictEqual(own[list], other[list])) ||
    (own.alsoAccept !== undefined && !isDeepStrictEqual(own.alsoAccept, other.alsoAccept))
  )
}

function levelOf({ level, scope }: Requirement<string>): number {
  return levels.indexOf(level ?? (scope === undefined ? 'identified' : 'authorized'))
}

function scopesOf({ scope }: Requirement<string>): readonly string[] {
  return scope === undefined ? [] : [scope].flat()
}
