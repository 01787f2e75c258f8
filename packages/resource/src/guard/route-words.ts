import type { Level } from '@countersign/protocol'
import type { Requirement, RouteContext } from './requirement.js'

/** Checks the purposes of a route. @throws TypeError for a list that no token could meet */
export function checkPurposes({ purposes, alsoAccept }: Requirement, level: Level, context: RouteContext): void {
  if (purposes === undefined) return
  if (level !== 'authorized') throw new TypeError('purposes needs a scope: only an auth token has purposes')
  if (alsoAccept !== undefined)
    throw new TypeError('purposes does not go with alsoAccept: a bearer token has no purposes')
  if (purposes.length === 0) throw new TypeError('purposes must name at least one purpose')
  const unknown = purposes.filter(name => !context.purposes.includes(name))
  if (unknown.length > 0)
    throw new TypeError(`a route asks for purposes that the resource does not have: ${unknown.join(' ')}`)
}

/** Checks what a route says of its operation. @throws TypeError for a route whose requests could never be approved */
export function checkOperation(requirement: Requirement, level: Level, context: RouteContext): void {
  const { operation, describe, unshown, approve, body, alsoAccept } = requirement
  if (operation !== undefined && !context.operations.includes(operation))
    throw new TypeError(`a route names an operation that the resource does not have: ${operation}`)
  if (describe !== undefined && operation === undefined)
    throw new TypeError('describe needs an operation: what a user approves has a name')
  if (unshown !== undefined && operation === undefined)
    throw new TypeError('unshown needs an operation: what a user approves has a name')
  if (describe !== undefined && body === 'stream')
    throw new TypeError("describe does not go with body: 'stream': it is called before the body is read")
  if (approve === undefined) return
  if (operation === undefined || level !== 'authorized')
    throw new TypeError('approve needs a scope and an operation: an auth server asks the user, and says what for')
  if (body === 'stream') throw new TypeError("approve does not go with body: 'stream': the digest binds the whole body")
  if (alsoAccept !== undefined)
    throw new TypeError('approve does not go with alsoAccept: no user approves the request of a bearer token')
}
