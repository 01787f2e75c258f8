import type { ConditionType } from '@countersign/conditions'
import type { Requirement, Route, RouteContext, RouteHandling } from './requirement.js'
import { routeOf } from './route.js'

/** The routes of a resource, by their requirement. */
export interface RouteBook {
  declare<S extends string>(requirement: Requirement<S>, handling?: RouteHandling): Requirement<S>
  find(requirement: Requirement): Route
  /** Demands nothing: for a request whose body tells its route. It is none of those seen. */
  readonly open: Route
  /** The union over the routes seen. */
  components(): string[]
  /** Conditions that one of those seen can only refuse. */
  unkept(): ConditionType[]
  /** Whether one of those seen takes bearer tokens. */
  takesBearer(): boolean
}

/** Makes an empty book. */
export function routeBook(context: RouteContext): RouteBook {
  const routes = new WeakMap<Requirement, Route>()
  // bound: components that the program names; grown by the program
  const components = new Set(context.components)
  // bound: requirements that the program declares; grown by the program
  const declared = new Map<string, number>()
  // bound: the ten kinds of conditions; grown by the program
  const unkept = new Set<ConditionType>()
  let bearer = false
  const add = (requirement: Requirement, family: string, handling: RouteHandling = {}): Route => {
    const route = { ...routeOf(requirement, context, family), handling }
    for (const type of refusedBy(handling)) unkept.add(type)
    for (const name of route.components) components.add(name)
    bearer ||= route.beside.bearer !== undefined
    routes.set(requirement, route)
    return route
  }
  return {
    open: { ...routeOf({ level: 'anonymous' }, context, 'open'), handling: {} },
    declare(requirement, handling) {
      const own = { ...requirement }
      const { name = '' } = own
      const nth = (declared.get(name) ?? 0) + 1
      declared.set(name, nth)
      // By name: a resource that takes over the counter of another, with other routes, goes on where that one was.
      add(own, JSON.stringify(['route', name, nth]), handling)
      return own
    },
    // An undeclared requirement may be a new object each time: counters named by object would never fill up.
    find: requirement => routes.get(requirement) ?? add(requirement, familyOf(requirement)),
    components: () => [...components],
    unkept: () => [...unkept],
    takesBearer: () => bearer,
  }
}

/** Conditions that cannot be kept where answers or bodies are not seen. */
function refusedBy({ answers, bodies }: RouteHandling): ConditionType[] {
  return [...(answers === 'projected' ? [] : ['data' as const]), ...(bodies === 'unseen' ? unseenBodies : [])]
}

const unseenBodies: readonly ConditionType[] = ['arguments', 'approval']

function familyOf({ level, scope, limits }: Requirement): string {
  return JSON.stringify(['requirement', level ?? null, scope ?? null, limits ?? null])
}
