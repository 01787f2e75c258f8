import { checkIdentifierList, isIdentifier, parseScope } from '@countersign/protocol'
import { checkDeny } from './deny.js'
import { parseLimits } from './limits.js'
import { checkComponents, type RouteContext } from './requirement.js'
import type { ResourceOptions } from './resource.js'

/**
 * What the routes of a resource are checked against, by its options.
 * @throws TypeError for an option that is wrong
 */
export function routeContextOf(options: ResourceOptions<string>): RouteContext {
  const {
    id,
    authServers = [],
    scopes = {},
    agents = 'any',
    components = [],
    limits = {},
    siteOf,
    deny,
    development = false,
  } = options
  if (!isIdentifier(id, { development })) throw new TypeError('id must be an identifier such as https://api.example')
  if (!authServers.every(server => isIdentifier(server, { development })))
    throw new TypeError('authServers must be identifiers such as https://auth.example')
  for (const name of Object.keys(scopes)) checkScopeName(name)
  checkIdentifierList(agents, { development })
  if (deny !== undefined) checkDeny(deny, { development })
  checkComponents(components)
  return {
    scopes: Object.keys(scopes),
    authServers: [...authServers],
    // An interaction's code that nothing signs would be anybody's.
    components: [...components, ...(options.downstream === undefined ? [] : ['agent-interaction'])],
    limits: parseLimits(limits, '', siteOf),
    ...(siteOf === undefined ? {} : { siteOf }),
    ...(deny === undefined ? {} : { deny }),
    development,
  }
}

function checkScopeName(name: string): void {
  try {
    if (parseScope(name).length === 1) return
  } catch (cause) {
    throw new TypeError('a name in scopes is no scope name', { cause })
  }
  throw new TypeError('a name in scopes is no scope name')
}
