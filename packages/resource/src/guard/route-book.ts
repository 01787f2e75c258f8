import type { Requirement, Route, RouteContext } from './requirement.js'
import { routeOf } from './route.js'

/** The routes of a resource, by their requirement. */
export interface RouteBook {
  declare<S extends string>(requirement: Requirement<S>): Requirement<S>
  find(requirement: Requirement): Route
  /** The union over the routes seen. */
  components(): string[]
  /** Whether one of those seen takes bearer tokens. */
  takesBearer(): boolean
}

/** Makes an empty book. */
export function routeBook(context: RouteContext): RouteBook {
  const routes = new WeakMap<Requirement, Route>()
  const components = new Set(context.components)
  const declared = new Map<string, number>()
  let bearer = false
  const add = (requirement: Requirement, family: string): Route => {
    const route = routeOf(requirement, context, family)
    for (const name of route.components) components.add(name)
    bearer ||= route.alsoAccept !== undefined
    routes.set(requirement, route)
    return route
  }
  return {
    declare(requirement) {
      const own = { ...requirement }
      const { name = '' } = own
      const nth = (declared.get(name) ?? 0) + 1
      declared.set(name, nth)
      // By name: a resource that takes over the counter of another, with other routes, goes on where that one was.
      add(own, JSON.stringify(['route', name, nth]))
      return own
    },
    // An undeclared requirement may be a new object each time: counters named by object would never fill up.
    find: requirement => routes.get(requirement) ?? add(requirement, familyOf(requirement)),
    components: () => [...components],
    takesBearer: () => bearer,
  }
}

function familyOf({ level, scope, limits }: Requirement): string {
  return JSON.stringify(['requirement', level ?? null, scope ?? null, limits ?? null])
}
